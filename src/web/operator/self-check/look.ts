import {
  type CheckedEntrance,
  type CheckName,
  forwardingFinding,
  NODE_SPEECH,
  placesOf,
  type Seen,
  seenIn,
} from "#wire/self-check.ts";

const limits = {
  /** For the page, and for the WebSocket. */
  stepMs: 8_000,
} as const;

/** Loopback is trustworthy to browsers without TLS. */
const LOOPBACK = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/;

/** Whether a page of `here` may not ask there, since the one came by TLS and the other speaks none. */
export function isMixed(here: string, there: string): boolean {
  const { protocol, hostname } = new URL(there);
  return new URL(here).protocol === "https:" && protocol === "http:" && !LOOPBACK.test(hostname);
}

/** What this browser comes to at a node's entrance. It does not say why something fails: that is not for pages to know. */
export async function lookAt(entrance: CheckedEntrance, here: string): Promise<readonly Seen<CheckName>[]> {
  const { pageOrigin, webSocketOrigin } = entrance;
  if (isMixed(here, pageOrigin))
    return [{ check: "client.page", subject: pageOrigin, finding: "mixed_content" }];
  const page = await pageLines(entrance);
  const webSocket = await webSocketLine(placesOf(entrance).webSocket, here);
  const isThere = pageOrigin === webSocketOrigin && webSocket.finding === "ok";
  return [...page.map((line) => (isThere ? lastHope(line) : line)), webSocket];
}

/** Where a WebSocket opens the page is there, and it is this page that may not know. */
function lastHope(line: Seen<CheckName>): Seen<CheckName> {
  return line.finding === "page_unreachable" ? { ...line, finding: "page_unread" } : line;
}

async function pageLines(entrance: CheckedEntrance): Promise<readonly Seen<CheckName>[]> {
  const { pageOrigin, token = "" } = entrance;
  const { page, seen: place } = placesOf(entrance);
  const line = (finding: string, facts: Readonly<Record<string, string>> = {}): Seen<CheckName> => ({
    check: "client.page",
    subject: page.href,
    finding,
    facts,
  });
  try {
    const response = await fetch(place, {
      method: "POST",
      // A request that needs no leave of the node to be asked.
      headers: { "content-type": "text/plain" },
      body: token,
      credentials: "omit",
      cache: "no-store",
      signal: AbortSignal.timeout(limits.stepMs),
    });
    const seen = seenIn(await response.json().catch(() => undefined));
    // An older node lets no page read that it knows no such place.
    if (seen === undefined || seen === "skipped_node_older")
      return [line("page_other", { status: String(response.status) })];
    // It is a node that refuses, and so it is there.
    const there = line("ok");
    const forwarding = { check: "client.forwarding", subject: pageOrigin } as const;
    if (typeof seen === "string") return token === "" ? [there] : [there, { ...forwarding, finding: seen }];
    const facts = { "sees you at": seen.address, from: seen.peer };
    return [there, { ...forwarding, finding: forwardingFinding(seen, pageOrigin), facts }];
  } catch (error) {
    if (isLate(error)) return [line("connect_silent")];
    return [line((await isOthers(page)) ? "page_other" : "page_unreachable")];
  }
}

/** Whether something answers that is no node: what nodes answer is kept from pages of other origins, even unread. */
async function isOthers(page: URL): Promise<boolean> {
  const options = { mode: "no-cors", credentials: "omit", cache: "no-store" } as const;
  return await fetch(page, { ...options, signal: AbortSignal.timeout(limits.stepMs) }).then(
    () => true,
    () => false,
  );
}

function isLate(error: unknown): boolean {
  return error instanceof DOMException && error.name === "TimeoutError";
}

async function webSocketLine(url: URL, here: string): Promise<Seen<CheckName>> {
  const subject = url.href.replace(/^http/, "ws");
  if (isMixed(here, url.href)) return { check: "client.websocket", subject, finding: "mixed_content" };
  const { promise, resolve } = Promise.withResolvers<string>();
  const late = setTimeout(() => resolve("websocket_silent"), limits.stepMs);
  const socket = new WebSocket(subject, NODE_SPEECH.protocol);
  socket.addEventListener("message", ({ data }) => resolve(webSocketFinding(socket, data)));
  // What closes once it was open says nothing of ours; what never opened is not let through.
  socket.addEventListener("open", () => socket.addEventListener("close", () => resolve("websocket_other")));
  socket.addEventListener("error", () => resolve("websocket_unreachable"));
  try {
    const finding = await promise;
    return { check: "client.websocket", subject, finding };
  } finally {
    clearTimeout(late);
    socket.close();
  }
}

function webSocketFinding(socket: WebSocket, data: unknown): string {
  const code = typeof data === "string" ? NODE_SPEECH.endingCode(data) : undefined;
  if (code === undefined || socket.protocol !== NODE_SPEECH.protocol) return "websocket_other";
  if (code === "origin_refused") return "websocket_origin";
  return code === "tls_required" ? "websocket_tls" : "ok";
}
