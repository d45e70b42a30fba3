import { once } from "node:events";
import { isIP } from "node:net";
import { connect, type PeerCertificate, type TLSSocket } from "node:tls";
import { withDeadline } from "../deadline.ts";
import { ignoreError } from "../ignore-error.ts";
import type { HopCredentials } from "./credentials.ts";
import type { Peer } from "./peers.ts";

/** A node that vanished without a word is found out after about this long, and not only when something is sent. */
const KEEP_ALIVE_MS = 60_000;

/**
 * A connection to another node, which has shown that it is that node. Rejects, and leaves nothing open, where it is not
 * there in time, or is another.
 */
export async function dialNode(
  { nodeId, address: { host, port } }: Peer,
  {
    credentials: { secureContext, nodeOf },
    deadlineMs,
    signal,
  }: {
    readonly credentials: HopCredentials;
    readonly deadlineMs: number;
    readonly signal: AbortSignal;
  },
): Promise<TLSSocket> {
  // Types know nothing of allowHalfOpen here, so the options cannot stand where they are used.
  const options = {
    host,
    port,
    servername: isIP(host) === 0 ? host : "",
    secureContext,
    allowHalfOpen: true,
    // Its address may be anybody's tomorrow; its certificate names the node.
    checkServerIdentity: (_host: string, certificate: PeerCertificate) =>
      nodeOf(certificate) === nodeId ? undefined : new Error("another node, or none, where a node was to be"),
  };
  const socket = connect(options);
  socket.on("error", ignoreError); // Also after the handshake; `close` tells of the end.
  try {
    await withDeadline(deadlineMs, signal, async (limited) => {
      await once(socket, "secureConnect", { signal: limited });
    });
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    return socket;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

/**
 * What the other node says first; the socket is paused behind it. Rejects where it says nothing: as long as it has not,
 * the viewer can still be told something else.
 */
export async function firstBytes(
  socket: TLSSocket,
  { deadlineMs, signal }: { readonly deadlineMs: number; readonly signal: AbortSignal },
): Promise<Buffer> {
  return await withDeadline(deadlineMs, signal, async (limited) => {
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
    const gone = () => reject(new Error("the other node hung up without a word"));
    const abort = () => reject(limited.reason);
    const take = (chunk: Buffer) => {
      socket.pause();
      resolve(chunk);
    };
    socket.once("data", take).once("end", gone).once("close", gone);
    limited.addEventListener("abort", abort, { once: true });
    if (socket.destroyed) gone();
    try {
      return await promise;
    } finally {
      socket.off("data", take).off("end", gone).off("close", gone);
    }
  });
}
