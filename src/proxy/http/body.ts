import type { IncomingMessage } from "node:http";
import { discardRest } from "#base/process/discard-rest.ts";
import { GatewayError } from "#wire/gateway-error.ts";

/** Reads a JSON body up to a bound. Throws `media_type_unsupported`, `body_too_large` or `request_invalid`. */
export async function readJson(request: IncomingMessage, maximumBytes: number): Promise<unknown> {
  const [type = ""] = (request.headers["content-type"] ?? "").split(";");
  if (type.trim().toLowerCase() !== "application/json") throw new GatewayError("media_type_unsupported");
  const text = await readText(request, maximumBytes);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new GatewayError("request_invalid", { cause, detail: "the body is not JSON" });
  }
}

/** Reads a body up to a bound. Throws `body_too_large` or `request_invalid`. */
export async function readText(request: IncomingMessage, maximumBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    if (Number(request.headers["content-length"] ?? 0) > maximumBytes)
      throw new GatewayError("body_too_large");
    // Leaving the loop must not destroy the socket: the answer still goes over it.
    for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > maximumBytes) throw new GatewayError("body_too_large");
      chunks.push(chunk);
    }
  } catch (cause) {
    if (cause instanceof GatewayError) {
      await discardRest(request);
      throw cause;
    }
    throw new GatewayError("request_invalid", { cause, detail: "the body breaks off" });
  }
  return Buffer.concat(chunks).toString("utf8");
}
