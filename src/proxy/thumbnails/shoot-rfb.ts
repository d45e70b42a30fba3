import { ProtocolError } from "#base/protocol-error.ts";
import { type ScreenSize, takeSnapshot } from "#protocols/rfb/snapshot.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import { fromGranted, type Grant, type Upstream } from "#wire/grant.ts";
import { Conversation } from "../console/conversation.ts";
import { hungUp } from "../console/converse.ts";
import { HEADER_ROOM } from "../console/frame-header.ts";
import type { Connecting } from "../console/opening.ts";
import type { UpstreamLeg } from "../console/upstream-leg.ts";
import type { Deadlines } from "../deadlines.ts";
import type { SignIns } from "../sign-ins/sign-ins.ts";
import { signIn } from "../upstreams/rfb.ts";
import { Miniature, type Picture } from "./miniature.ts";

interface Parts {
  readonly deadlines: Deadlines;
  readonly connect: (upstream: Upstream, connecting: Connecting) => Promise<UpstreamLeg>;
  readonly signIns: SignIns;
  /** Gives it up, with a GatewayError for a reason. */
  readonly signal: AbortSignal;
}

/**
 * Joins a machine's screen as one more viewer, which disturbs nobody, asks for it once, and leaves. Throws a
 * GatewayError that says what kept it from that, within the deadlines of a console that opens.
 */
export async function shootRfb(
  grant: Grant,
  box: ScreenSize,
  { deadlines, connect, signIns, signal }: Parts,
): Promise<Picture> {
  signal.throwIfAborted();
  const signedIn = await signIn({
    grant,
    connect: (connecting) => connect(fromGranted(grant.upstream), connecting),
    signIns,
    onStage: () => {},
    deadlines,
    signal,
  });
  const { leg, serverInit, rest } = signedIn;
  const { socket } = leg;
  const conversation = new Conversation(socket);
  const gone = (cause?: unknown) => conversation.fail(hungUp(cause));
  leg.onBytes = (memory, length) => {
    conversation.push(memory.subarray(HEADER_ROOM, HEADER_ROOM + length));
    return false;
  };
  const abort = () => conversation.fail(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  socket.on("end", gone).on("error", gone).on("close", gone);
  try {
    signal.throwIfAborted();
    if (socket.destroyed) throw new GatewayError("upstream_closed");
    const picture = new Miniature(serverInit, box);
    for (const chunk of rest) conversation.push(chunk);
    const send = (bytes: Uint8Array) => socket.write(bytes);
    socket.resume();
    await conversation.run(() => takeSnapshot(serverInit, { send, paint: picture.paint }), {
      deadlineMs: deadlines.upstreamMs,
      late: () => new GatewayError("upstream_timeout"),
    });
    return picture.picture();
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    throw new GatewayError("upstream_protocol_error", { cause: error });
  } finally {
    signal.removeEventListener("abort", abort);
    socket.destroy();
  }
}
