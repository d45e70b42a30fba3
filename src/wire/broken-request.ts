import type { ErrorCode } from "./errors.ts";
import { GatewayError } from "./gateway-error.ts";

/** What Node's parser found wrong, by its code; with the phrase of RFC 9110 §15 or RFC 6585 §5. */
const BROKEN_REQUESTS: Readonly<Record<string, readonly [ErrorCode, string]>> = {
  HPE_HEADER_OVERFLOW: ["headers_too_large", "Request Header Fields Too Large"],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: ["body_too_large", "Content Too Large"],
  ERR_HTTP_REQUEST_TIMEOUT: ["request_timeout", "Request Timeout"],
};

/**
 * The whole HTTP/1.1 answer to what is no HTTP request, or none that is taken: an error of the catalogue, as behind
 * every other status. `parserCode` is the `code` of what Node's HTTP server says with `clientError`.
 */
export function brokenRequestAnswer(parserCode: string | undefined): string {
  const [code, phrase] = BROKEN_REQUESTS[parserCode ?? ""] ?? (["request_invalid", "Bad Request"] as const);
  const problem = new GatewayError(code);
  const body = JSON.stringify({ error: problem.toPublic() });
  const head = [
    `HTTP/1.1 ${problem.status} ${phrase}`,
    "Content-Type: application/json; charset=utf-8",
    `Content-Length: ${new TextEncoder().encode(body).length}`,
    "Connection: close",
  ];
  return `${head.join("\r\n")}\r\n\r\n${body}`;
}
