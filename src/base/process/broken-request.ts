import { type IncomingMessage, type Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** What each connection has been asked and has not answered to the end, in the order of the answers. */
const exchanges = new WeakMap<Socket, Set<Exchange>>();
/** Connections that are refused: what comes on them is read and dropped, and is no new reason. */
const refused = new WeakSet<Socket>();

const deadlines = {
  /** For a peer to close a connection that is refused. */
  closingMs: 2_000,
} as const;

/** To be called at once, so that `refuseBrokenRequest` knows what the server is answering. */
export function followExchanges(server: Pick<Server, "on">): void {
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request;
    const exchange = { request, response };
    const all = exchanges.get(socket) ?? new Set();
    exchanges.set(socket, all.add(exchange));
    response.once("close", () => all.delete(exchange));
  });
}

/**
 * Whether an answer is still under way where this upgrade came. Node tells of an upgrade that was sent behind another
 * request at once; whoever answered that would write into the first answer, and Node throws. Asked of Node itself, since
 * some requests it answers without a word to us: those without a Host, or with an Expect that it does not know.
 */
export function isAnswering(upgrade: IncomingMessage): boolean {
  const probe = new ServerResponse(upgrade);
  try {
    probe.assignSocket(upgrade.socket);
  } catch {
    return true;
  }
  probe.detachSocket(upgrade.socket);
  return false;
}

/**
 * For `clientError`: ends a connection on which something came that is no HTTP, with `answer` where that is what comes
 * next on it. Garbage may follow a request that is still being answered: a second answer in the middle of the first would
 * be read as a part of it, so there the first is brought to its end, and nothing more is said.
 */
export function refuseBrokenRequest(error: NodeJS.ErrnoException, socket: Socket, answer: string): void {
  if (refused.has(socket)) return;
  refused.add(socket);
  if (error.code === "ECONNRESET" || !socket.writable) {
    socket.destroy();
    return;
  }
  // What waits for the rest of the broken request itself comes to no end.
  const answering = [...(exchanges.get(socket) ?? [])].filter(
    ({ request, response }) => request.complete || response.headersSent,
  );
  const last = answering.at(-1);
  if (last === undefined) close(socket, answer);
  else last.response.once("close", () => close(socket));
}

/** A peer that does not close its side is not waited for. */
function close(socket: Socket, answer?: string): void {
  const deadline = setTimeout(() => socket.destroy(), deadlines.closingMs);
  socket.once("close", () => clearTimeout(deadline));
  if (answer === undefined) socket.destroySoon();
  else socket.end(answer);
}
