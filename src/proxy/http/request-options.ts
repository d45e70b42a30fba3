import type { IncomingMessage } from "node:http";
import { GatewayError } from "#wire/gateway-error.ts";

const limits = {
  /** All headers together. A ticket in a URL takes about 500 bytes, cookies of other applications the most. */
  headerBytes: 16 * 1024,
  /** More header lines than browsers and proxies send together. */
  headers: 100,
} as const;

const deadlines = {
  /** From the first byte of a request to the end of its headers: what a slow-loris has. */
  headersMs: 10_000,
  /** The same to the end of the request. */
  requestMs: 15_000,
  keepAliveMs: 5_000,
  /** How often the two above are looked at. */
  checkMs: 2_000,
} as const;

export const requestLimits = {
  /** One more than is taken, so that there being one too many is seen; Node itself refuses more than a few beyond. */
  headersRead: limits.headers + 1,
} as const;

/** How a node reads requests, wherever they come in. */
export function requestOptions(addedHeaderBytes = 0) {
  return {
    maxHeaderSize: limits.headerBytes + addedHeaderBytes,
    headersTimeout: deadlines.headersMs,
    requestTimeout: deadlines.requestMs,
    keepAliveTimeout: deadlines.keepAliveMs,
    connectionsCheckingInterval: deadlines.checkMs,
    // curl offers h2c, for one; what is no WebSocket is answered as if nothing had been offered.
    shouldUpgradeCallback: (request: IncomingMessage) =>
      request.headers.upgrade?.toLowerCase() === "websocket",
  };
}

/** Throws `headers_too_large` for a flood of headers, part of which was not even kept. */
export function checkHeaderCount(request: IncomingMessage): void {
  if (request.rawHeaders.length > limits.headers * 2)
    throw new GatewayError("headers_too_large", { detail: `more than ${limits.headers} headers` });
}
