import type { IncomingMessage } from "node:http";

/** Says where the viewer comes from. Taken from nodes alone: what a viewer writes there itself does not get past us. */
const ADDRESS_HEADER = "porthole-viewer-address";

/** Of one connection, and not of what is said on it (RFC 9110 §7.6.1); with these, each side is right about its own. */
const HOP_BY_HOP = new Set(["connection", "keep-alive", "transfer-encoding"]);

/** An upgrade's request as it came, and where its viewer is. In latin1, as Node has read it. */
export function requestHead(request: IncomingMessage, viewerAddress: string): string {
  const lines = pairs(request.rawHeaders)
    .filter(([name]) => name.toLowerCase() !== ADDRESS_HEADER)
    .map(([name, value]) => `${name}: ${value}`);
  return [
    `${request.method} ${request.url} HTTP/1.1`,
    ...lines,
    `${ADDRESS_HEADER}: ${viewerAddress}`,
    "",
    "",
  ].join("\r\n");
}

/** The headers of a request or an answer that is passed on, for Node to write; with where the viewer is, for a request. */
export function headersOnward({ rawHeaders }: IncomingMessage, viewerAddress?: string): string[] {
  const kept = pairs(rawHeaders).filter(([name]) => {
    const lower = name.toLowerCase();
    return !HOP_BY_HOP.has(lower) && lower !== ADDRESS_HEADER;
  });
  const added = viewerAddress === undefined ? [] : [[ADDRESS_HEADER, viewerAddress] as const];
  return [...kept, ...added].flat();
}

/** Takes it out of a request that another node has handed on; `undefined` where it is missing. */
export function takeViewerAddress(request: IncomingMessage): string | undefined {
  const [[, address] = [], ...more] = pairs(request.rawHeaders).filter(
    ([name]) => name.toLowerCase() === ADDRESS_HEADER,
  );
  request.rawHeaders = pairs(request.rawHeaders)
    .filter(([name]) => name.toLowerCase() !== ADDRESS_HEADER)
    .flat();
  delete request.headers[ADDRESS_HEADER];
  return more.length === 0 ? address : undefined;
}

function pairs(rawHeaders: readonly string[]): (readonly [string, string])[] {
  return rawHeaders.flatMap((name, index) => (index % 2 === 0 ? [[name, rawHeaders[index + 1] ?? ""]] : []));
}
