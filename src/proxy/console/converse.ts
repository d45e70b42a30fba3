import type { Sequence } from "#base/sequence.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import { ignoreError } from "../ignore-error.ts";
import { tlsError } from "../upstream-tls.ts";
import { Conversation } from "./conversation.ts";
import { HEADER_ROOM } from "./frame-header.ts";
import type { UpstreamLeg } from "./upstream-leg.ts";

interface Conversing {
  readonly upstreamMs: number;
  readonly signal: AbortSignal;
  /** What it said before, and nobody has heard yet. */
  readonly early?: readonly Uint8Array[];
}

/** Runs one sequence with the hypervisor. Rejects with what went wrong; the socket is paused, or destroyed, then. */
export async function converse<Result>(
  leg: UpstreamLeg,
  { upstreamMs: deadlineMs, signal, early = [] }: Conversing,
  start: () => Sequence<Result>,
): Promise<{ readonly result: Result; readonly rest: readonly Uint8Array[] }> {
  const { socket } = leg;
  const conversation = new Conversation(socket);
  const abort = () => conversation.fail(signal.reason);
  const gone = (cause?: unknown) => conversation.fail(hungUp(cause));
  leg.onBytes = (memory, length) => {
    conversation.push(memory.subarray(HEADER_ROOM, HEADER_ROOM + length));
    return false;
  };
  socket.on("end", gone).on("error", gone).on("close", gone);
  signal.addEventListener("abort", abort, { once: true });
  try {
    if (signal.aborted) throw signal.reason;
    // It broke while nobody listened, and says so no more.
    if (socket.destroyed) throw hungUp(socket.errored);
    for (const chunk of early) conversation.push(chunk);
    socket.resume();
    const late = () => new GatewayError("upstream_timeout");
    const result = await conversation.run(start, { deadlineMs, late });
    // INVARIANT: nothing is read between the sequence's last byte and here, since no I/O runs before what waits for a promise.
    socket.pause();
    return { result, rest: conversation.takeEarly() };
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    signal.removeEventListener("abort", abort);
    // From here to whoever reads next nobody does: a socket that breaks meanwhile is found destroyed.
    socket.off("end", gone).off("close", gone).off("error", gone);
    socket.on("error", ignoreError);
  }
}

/** A reset while we were talking is a broken connection; an end is a hypervisor that would not go on. */
export function hungUp(cause: unknown): GatewayError {
  const spokenByTls = tlsError(cause);
  if (spokenByTls !== undefined) return spokenByTls;
  return cause instanceof Error
    ? new GatewayError("upstream_lost", { cause })
    : new GatewayError("upstream_closed");
}
