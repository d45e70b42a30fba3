import { ProtocolError } from "#base/protocol-error.ts";
import { Secret } from "#base/secret.ts";
import type { Sequence } from "#base/sequence.ts";
import { HandshakeError, type HandshakeFailure } from "#protocols/rfb/handshake-error.ts";
import { encodeServerInit, type ServerInit } from "#protocols/rfb/server-init.ts";
import { upstreamHandshake } from "#protocols/rfb/upstream-handshake.ts";
import type { RfbVersion } from "#protocols/rfb/version.ts";
import { acceptViewer, refuseViewer, viewerVersion } from "#protocols/rfb/viewer-handshake.ts";
import { ViewerMessageFilter } from "#protocols/rfb/viewer-messages.ts";
import type { ErrorCode } from "#wire/errors.ts";
import { GatewayError, printable } from "#wire/gateway-error.ts";
import { Conversation } from "../console/conversation.ts";
import { endingOf, endingText } from "../console/ending.ts";
import { HEADER_ROOM } from "../console/frame-header.ts";
import type { OpenConsole, OpeningParts } from "../console/opening.ts";
import type { UpstreamLeg } from "../console/upstream-leg.ts";
import { encryptDes } from "../des.ts";
import { ignoreError } from "../ignore-error.ts";

/**
 * Opens an RFB console (RFC 6143): signs in at the hypervisor, and at the same time hears which version the viewer
 * speaks. Only when the outcome is known is the viewer told, in RFB's own words, that it is in or why it is not.
 * Throws a GatewayError; the viewer knows of it then.
 */
export async function openRfb(parts: OpeningParts): Promise<OpenConsole> {
  const upstream = signIn(parts);
  upstream.catch(() => {}); // It may fail before anybody waits for it; who waits is told again.
  try {
    const version = await viewerStep(parts, () => viewerVersion(parts.viewer.send));
    const { leg, serverInit, rest } = await upstream.catch((error: unknown) => refuse(parts, version, error));
    parts.onStage("attaching");
    await viewerStep(parts, () => acceptViewer(version, parts.viewer.send));
    return {
      upstream: leg,
      toViewer: [encodeServerInit({ ...serverInit, name: printable(parts.grant.machine.name) }), ...rest],
      filter: (forward) => new ViewerMessageFilter({ rights: parts.grant.rights, forward }),
    };
  } catch (error) {
    // The viewer may have gone first, with the upstream signed in, or on its way.
    upstream.then(({ leg }) => leg.socket.destroy()).catch(() => {});
    throw error;
  }
}

interface SignedIn {
  readonly leg: UpstreamLeg;
  readonly serverInit: ServerInit;
  /** What the hypervisor said right behind ServerInit. */
  readonly rest: readonly Uint8Array[];
}

/** Dials the hypervisor and signs in there, up to ServerInit. Throws a GatewayError. The socket is paused then. */
export async function signIn({
  grant,
  connect,
  onStage,
  deadlines,
  signal,
}: Omit<OpeningParts, "viewer">): Promise<SignedIn> {
  onStage("dialling");
  const leg = await connect();
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
    socket.resume();
    const { serverInit } = await conversation.run(
      () =>
        upstreamHandshake({
          send: (bytes) => socket.write(bytes),
          password: grant.upstream.password === undefined ? undefined : new Secret(grant.upstream.password),
          encryptDes,
          onSigningIn: () => onStage("signing-in"),
        }),
      { deadlineMs: deadlines.upstreamHandshakeMs, late: () => new GatewayError("upstream_timeout") },
    );
    // INVARIANT: nothing is read between ServerInit and here, since no I/O runs before what waits for a promise.
    socket.pause();
    return { leg, serverInit, rest: conversation.takeEarly() };
  } catch (error) {
    socket.destroy();
    throw upstreamError(error);
  } finally {
    signal.removeEventListener("abort", abort);
    // From here to the relay nobody reads: a socket that breaks meanwhile is found destroyed.
    socket.off("end", gone).off("close", gone).off("error", gone);
    socket.on("error", ignoreError);
  }
}

async function viewerStep<Result>(parts: OpeningParts, start: () => Sequence<Result>): Promise<Result> {
  try {
    return await parts.viewer.conversation.run(start, {
      deadlineMs: parts.deadlines.viewerHandshakeMs,
      late: () => new GatewayError("viewer_timeout"),
    });
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    throw new GatewayError("viewer_protocol_error", { cause: error, detail: error.message });
  }
}

function refuse({ viewer, grant }: OpeningParts, version: RfbVersion, error: unknown): never {
  viewer.send(
    refuseViewer(version, endingText(endingOf(error, { session: grant.sessionId, wasOpen: false }))),
  );
  throw error;
}

const CODES: Readonly<Record<HandshakeFailure, ErrorCode>> = {
  "not-rfb": "upstream_not_rfb",
  "security-unsupported": "upstream_security_unsupported",
  "password-missing": "upstream_password_missing",
  "password-not-asked": "upstream_password_not_asked",
  "authentication-failed": "upstream_authentication_failed",
  refused: "upstream_refused",
  malformed: "upstream_protocol_error",
};

function upstreamError(error: unknown): unknown {
  if (!(error instanceof ProtocolError)) return error;
  if (!(error instanceof HandshakeError))
    return new GatewayError("upstream_protocol_error", { cause: error });
  const { kind, reason } = error;
  return new GatewayError(CODES[kind], { cause: error, ...(reason === undefined ? {} : { detail: reason }) });
}

/** A reset while we were talking is a broken connection; an end is a hypervisor that would not go on. */
export function hungUp(cause: unknown): GatewayError {
  return cause instanceof Error
    ? new GatewayError("upstream_lost", { cause })
    : new GatewayError("upstream_closed");
}
