import { Check } from "typebox/value";
import {
  type CheckedEntrance,
  type CheckName,
  forwardingFinding,
  NODE_SPEECH,
  type Seen,
  SeenRequest,
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
  const { beside, elsewhere } = NODE_SPEECH.webSocketPaths;
  const url = new URL(pageOrigin === webSocketOrigin ? beside : elsewhere, webSocketOrigin);
  return [...page, await webSocketLine(url)];
}

async function pageLines({ pageOrigin, token = "" }: CheckedEntrance): Promise<readonly Seen<CheckName>[]> {
  const line = (finding: string, facts: Readonly<Record<string, string>> = {}): Seen<CheckName> => ({
    check: "client.page",
    subject: pageOrigin,
    finding,
    facts,
  });
  try {
    const response = await fetch(new URL(NODE_SPEECH.seenPath, pageOrigin), {
      method: "POST",
      // A request that needs no leave of the node to be asked.
      headers: { "content-type": "text/plain" },
      body: token,
      credentials: "omit",
      cache: "no-store",
      signal: AbortSignal.timeout(limits.stepMs),
    });
    const body: unknown = await response.json().catch(() => undefined);
    if (!Check(SeenRequest, body)) {
      // Without a token it is the node that refuses, and so it is there.
      const isNode = response.status === 403 && token === "";
      return [line(isNode ? "ok" : "page_other", { status: String(response.status) })];
    }
    const forwarding: Seen<CheckName> = {
      check: "client.forwarding",
      subject: pageOrigin,
      finding: forwardingFinding(body, pageOrigin),
      facts: { "sees you at": body.address, from: body.peer },
    };
    return [line("ok", { status: String(response.status) }), forwarding];
  } catch (error) {
    const isLate = error instanceof DOMException && error.name === "TimeoutError";
    return [line(isLate ? "connect_silent" : "page_unreachable")];
  }
}

async function webSocketLine(url: URL): Promise<Seen<CheckName>> {
  const subject = url.href.replace(/^http/, "ws");
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
