import { GatewayError } from "#wire/gateway-error.ts";
import type { NovaConsole } from "#wire/link-nova.ts";
import { BINARY_SUBPROTOCOL, EXTRA_ENTRY_PREFIX, SUBPROTOCOL, TICKET_ENTRY_PREFIX } from "#wire/viewer.ts";
import type { Credentials } from "./admission.ts";

/** What is spoken on one WebSocket: our sub-protocol, or bare console bytes under noVNC's name or under none. */
export type Dialect = typeof SUBPROTOCOL | typeof BINARY_SUBPROTOCOL | "none";

/** The entries of Sec-WebSocket-Protocol, sorted by what they are for. */
export interface Offers {
  readonly dialects: readonly string[];
  readonly tickets: readonly string[];
  readonly extras: readonly string[];
}

export function readOffers(header: string | undefined): Offers {
  const entries = (header ?? "")
    .split(",")
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "");
  const valuesBehind = (prefix: string) =>
    entries.filter((entry) => entry.startsWith(prefix)).map((entry) => entry.slice(prefix.length));
  return {
    dialects: entries.filter(
      (entry) => !entry.startsWith(TICKET_ENTRY_PREFIX) && !entry.startsWith(EXTRA_ENTRY_PREFIX),
    ),
    tickets: valuesBehind(TICKET_ENTRY_PREFIX),
    extras: valuesBehind(EXTRA_ENTRY_PREFIX).map((value) => Buffer.from(value, "base64url").toString("utf8")),
  };
}

/** Ours if it is offered. Throws `subprotocol_unsupported` where only others are. */
export function chooseDialect({ dialects }: Offers): Dialect {
  if (dialects.includes(SUBPROTOCOL)) return SUBPROTOCOL;
  if (dialects.includes(BINARY_SUBPROTOCOL)) return BINARY_SUBPROTOCOL;
  if (dialects.length === 0) return "none";
  throw new GatewayError("subprotocol_unsupported");
}

/**
 * The ticket and the extra token, from sub-protocol entries or from the query. A ticket that stands in neither may be the cookie `token`,
 * as pages for Nova's proxies set it: `isCookie`. Throws `request_invalid` where one is given twice: which of the two was checked would depend on who
 * reads.
 */
export function readCredentials(
  url: string | undefined,
  { tickets, extras }: Offers,
  cookies?: string,
): Pick<Credentials, "ticket" | "extras"> & { readonly isCookie?: true } {
  const [, query = ""] = /\?([^#]*)/.exec(url ?? "") ?? [];
  const parameters = new URLSearchParams(query);
  const extra = only("extra", [...extras, ...parameters.getAll("extra")]);
  const ticket = only("token", [...tickets, ...parameters.getAll("token")]);
  const cookie = ticket === undefined ? only("token", cookiesNamed("token", cookies)) : undefined;
  return {
    ticket: ticket ?? cookie,
    ...(cookie === undefined ? {} : { isCookie: true }),
    extras: extra === undefined ? [] : [...new Set([extra, ...otherReadings(query, "extra")])],
  };
}

/** RFC 6265 §5.4. What is no cookie is passed over: other applications of the host set theirs as they like. */
function cookiesNamed(name: string, header = ""): string[] {
  return header
    .split(";")
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${name}=`))
    .map((pair) => pair.slice(name.length + 1).replace(/^"(.*)"$/, "$1"));
}

/**
 * What a viewer with a token of Nova's takes its console for: Nova has an address for each kind, and so has this node. A serial line is
 * behind a path with `serial` in it, such as `/serial`, as its page and the WebSocket beside that are; SPICE behind one with `spice`, and
 * MKS behind one with `mks`.
 */
export function novaConsole(url: string | undefined): NovaConsole {
  const [path = ""] = (url ?? "").split("?");
  const named = path.split("/").find((segment) => Object.hasOwn(NOVA_PATHS, segment));
  return named === undefined ? "rfb" : NOVA_PATHS[named as keyof typeof NOVA_PATHS];
}

const NOVA_PATHS = { serial: "serial", spice: "spice", mks: "webmks" } as const;

/**
 * CloudStack's noVNC encodes nothing: base64 arrives with its pluses, and with what the browser itself cannot send
 * encoded around them. So a plus may be one, and what looks encoded may be meant as it stands.
 */
function otherReadings(query: string, name: string): string[] {
  return [query, query.replaceAll("%", "%25")].flatMap((text) =>
    new URLSearchParams(text.replaceAll("+", "%2B")).getAll(name),
  );
}

function only(name: string, values: readonly string[]): string | undefined {
  if (values.length > 1) throw invalid(`${name} is given more than once`);
  return values[0];
}

function invalid(detail: string): GatewayError {
  return new GatewayError("request_invalid", { detail });
}
