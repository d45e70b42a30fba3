import { EXTRA_ENTRY_PREFIX, REOPEN_PATH, SUBPROTOCOL, TICKET_ENTRY_PREFIX } from "#wire/viewer.ts";

/** What opens a console: a ticket, and beside it the extra token where one was asked for. */
export interface Pass {
  readonly ticket: string;
  readonly extra?: string;
}

const LAST_PORT = 65_535;

/** The pass out of a fragment `token=…[&extra=…]`; `undefined` where it holds none. */
export function passOf(fragment: URLSearchParams): Pass | undefined {
  const ticket = fragment.get("token") ?? "";
  const extra = fragment.get("extra");
  if (ticket === "") return undefined;
  return { ticket, ...(extra === null ? {} : { extra }) };
}

/** The leave to open a console again, where the page was come to with that: see `entranceUrl`. */
export function reopenOf(fragment: URLSearchParams): string | undefined {
  const credential = fragment.get("reopen") ?? "";
  return credential === "" ? undefined : credential;
}

/**
 * The same page on another node, which is to open the console again: behind the "#", as a ticket is. What a front proxy put
 * before our path is its own.
 */
export function entranceUrl(entrance: string, page: URL, credential: string): URL {
  const url = new URL(entrance + page.pathname.slice(page.pathname.lastIndexOf("/p/")));
  url.hash = new URLSearchParams({ reopen: credential }).toString();
  return url;
}

/**
 * The WebSocket stands beside the page, under whatever prefix a front proxy gave it. On another port, which `?port=` names, it
 * stands at the root: what is in front of that may pass `/websockify` and nothing else, as CloudStack's operators have it.
 */
export function webSocketUrl(page: URL): URL {
  const port = page.searchParams.get("port");
  const isElsewhere = port !== null && /^\d{1,5}$/.test(port) && Number(port) <= LAST_PORT;
  const url = new URL(isElsewhere ? "/websockify" : "websockify", page);
  if (isElsewhere) url.port = port;
  url.protocol = page.protocol === "https:" ? "wss:" : "ws:";
  url.search = "";
  url.hash = "";
  return url;
}

/** The ticket travels as a sub-protocol, so that no server on the way writes it into a log of addresses. */
export function subprotocols({ ticket, extra }: Pass): string[] {
  const entries = [SUBPROTOCOL, `${TICKET_ENTRY_PREFIX}${ticket}`];
  return extra === undefined ? entries : [...entries, `${EXTRA_ENTRY_PREFIX}${base64Url(extra)}`];
}

export function reopenUrl(page: URL): URL {
  const url = new URL(REOPEN_PATH, page);
  url.search = "";
  url.hash = "";
  return url;
}

/**
 * Is this the page that we are on, so that only its ticket is needed? A front proxy's prefix is known to us and
 * not to the one who made the address, so our own path may be longer.
 */
export function isThisPage(page: URL, other: URL): boolean {
  return page.origin === other.origin && page.pathname.endsWith(other.pathname) && other.pathname !== "/";
}

function base64Url(text: string): string {
  const bytes = new TextEncoder().encode(text);
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}
