import { GatewayError } from "./gateway-error.ts";

interface UpgradeRequest {
  readonly method?: string | undefined;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}

/** Throws `request_invalid` for an upgrade that is no handshake of a WebSocket client (RFC 6455 §4.2.1). */
export function checkWebSocketHandshake({ method, headers }: UpgradeRequest): void {
  if (method !== "GET") throw invalid("a WebSocket handshake is a GET request");
  if (headers["sec-websocket-version"] !== "13") throw invalid("Sec-WebSocket-Version must be 13");
  if (!/^[+/0-9A-Za-z]{22}==$/.test(String(headers["sec-websocket-key"])))
    throw invalid("Sec-WebSocket-Key must be 16 bytes in base64");
}

function invalid(detail: string): GatewayError {
  return new GatewayError("request_invalid", { detail });
}
