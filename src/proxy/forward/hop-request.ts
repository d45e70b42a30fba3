import type { IncomingMessage } from "node:http";
import { canonicalAddress } from "#wire/address.ts";
import type { Whereabouts } from "#wire/trusted-proxies.ts";

/** Say where the viewer comes from. Taken from nodes alone: what a viewer writes there itself does not get past us. */
const ADDRESS_HEADER = "porthole-viewer-address";
const DOUBT_HEADER = "porthole-viewer-doubt";
const OURS: ReadonlySet<string> = new Set([ADDRESS_HEADER, DOUBT_HEADER]);

/** Of one connection, and not of what is said on it (RFC 9110 §7.6.1); with these, each side is right about its own. */
const HOP_BY_HOP = new Set(["connection", "keep-alive", "transfer-encoding"]);

/** An upgrade's request as it came, and where its viewer is. In latin1, as Node has read it. */
export function requestHead(request: IncomingMessage, viewer: Whereabouts): string {
  const kept = pairs(request.rawHeaders).filter(([name]) => !OURS.has(name.toLowerCase()));
  const lines = [...kept, ...headersOf(viewer)].map(([name, value]) => `${name}: ${value}`);
  return [`${request.method} ${request.url} HTTP/1.1`, ...lines, "", ""].join("\r\n");
}

/** The headers of a request or an answer that is passed on, for Node to write; with where the viewer is, for a request. */
export function headersOnward({ rawHeaders }: IncomingMessage, viewer?: Whereabouts): string[] {
  const kept = pairs(rawHeaders).filter(([name]) => {
    const lower = name.toLowerCase();
    return !HOP_BY_HOP.has(lower) && !OURS.has(lower);
  });
  return [...kept, ...(viewer === undefined ? [] : headersOf(viewer))].flat();
}

/** Takes it out of a request that another node has handed on; `undefined` where it is missing. */
export function takeViewer(request: IncomingMessage): Whereabouts | undefined {
  const sent = pairs(request.rawHeaders);
  const said = (header: string) => sent.filter(([name]) => name.toLowerCase() === header);
  const [[, address] = [], ...more] = said(ADDRESS_HEADER);
  const doubt = DOUBTS.find((known) => said(DOUBT_HEADER).some(([, value]) => value === known));
  request.rawHeaders = sent.filter(([name]) => !OURS.has(name.toLowerCase())).flat();
  for (const header of OURS) delete request.headers[header];
  if (address === undefined || more.length > 0) return undefined;
  return { address: canonicalAddress(address) ?? address, ...(doubt === undefined ? {} : { doubt }) };
}

const DOUBTS = ["no header", "not trusted"] as const;

function headersOf({ address, doubt }: Whereabouts): (readonly [string, string])[] {
  return [[ADDRESS_HEADER, address], ...(doubt === undefined ? [] : [[DOUBT_HEADER, doubt] as const])];
}

function pairs(rawHeaders: readonly string[]): (readonly [string, string])[] {
  return rawHeaders.flatMap((name, index) => (index % 2 === 0 ? [[name, rawHeaders[index + 1] ?? ""]] : []));
}
