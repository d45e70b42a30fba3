import { ProtocolError } from "#base/protocol-error.ts";
import { Secret } from "#base/secret.ts";
import type { Sequence } from "#base/sequence.ts";
import { HandshakeError, type HandshakeFailure } from "#protocols/rfb/handshake-error.ts";
import { encodeServerInit, type ServerInit } from "#protocols/rfb/server-init.ts";
import {
  type Agreed,
  agreeOnSecurity,
  enterAsAgreed,
  type UpstreamOptions,
} from "#protocols/rfb/upstream-handshake.ts";
import type { RfbVersion } from "#protocols/rfb/version.ts";
import { acceptViewer, refuseViewer, viewerVersion } from "#protocols/rfb/viewer-handshake.ts";
import { ViewerMessageFilter } from "#protocols/rfb/viewer-messages.ts";
import type { ErrorCode } from "#wire/errors.ts";
import { GatewayError, printable } from "#wire/gateway-error.ts";
import { fromGranted, type Upstream } from "#wire/grant.ts";
import { Conversation } from "../console/conversation.ts";
import { endingOf, endingText } from "../console/ending.ts";
import { HEADER_ROOM } from "../console/frame-header.ts";
import type { OpenConsole, OpeningParts } from "../console/opening.ts";
import { UpstreamLeg } from "../console/upstream-leg.ts";
import { DeadlineError, withDeadline } from "../deadline.ts";
import { encryptDes } from "../des.ts";
import { ignoreError } from "../ignore-error.ts";
import { scramCrypto } from "../scram-crypto.ts";
import { allowedTls, overTls, tlsError } from "../upstream-tls.ts";

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

/**
 * Dials the hypervisor and signs in there, up to ServerInit, by TLS where that was agreed on. All of it has one deadline. Throws
 * a GatewayError. The socket is paused then.
 */
export async function signIn({
  grant,
  connect,
  onStage,
  deadlines: { upstreamHandshakeMs },
  signal,
}: Omit<OpeningParts, "viewer">): Promise<SignedIn> {
  onStage("dialling");
  const dialled = await connect();
  try {
    return await withDeadline(upstreamHandshakeMs, signal, async (inTime) =>
      signInOver(dialled, {
        upstream: fromGranted(grant.upstream),
        onSigningIn: () => onStage("signing-in"),
        deadlineMs: upstreamHandshakeMs,
        signal: inTime,
      }),
    );
  } catch (error) {
    dialled.socket.destroy();
    throw upstreamError(error);
  }
}

const MUTE = "it hung up as soon as TLS was up";

function isHangUp(error: unknown): boolean {
  return (
    error instanceof GatewayError && (error.code === "upstream_closed" || error.code === "upstream_lost")
  );
}

interface SigningIn {
  readonly upstream: Upstream;
  readonly onSigningIn: () => void;
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
}

async function signInOver(dialled: UpstreamLeg, options: SigningIn): Promise<SignedIn> {
  const { upstream, onSigningIn, signal } = options;
  const { username, password, tls } = upstream;
  const spoken = (leg: UpstreamLeg): UpstreamOptions => ({
    tls: allowedTls(tls),
    username,
    password: password === undefined ? undefined : new Secret(password),
    send: (bytes) => leg.socket.write(bytes),
    encryptDes,
    scram: scramCrypto,
    onSigningIn,
  });
  const { result: agreed, rest } = await converse(dialled, options, () => agreeOnSecurity(spoken(dialled)));
  if (tls === undefined || agreed.tls === undefined)
    return await enter(dialled, options, { agreed, rest, spoken });
  // Whoever says something before TLS says it in the open, for it to be taken for what comes within.
  if (rest.length > 0) throw new HandshakeError("malformed", "said something between RFB and TLS");
  const secured = await overTls(dialled.socket, { tls, kind: agreed.tls, signal });
  let wasHeard = false;
  secured.once("data", () => {
    wasHeard = true;
  });
  const leg = UpstreamLeg.over(secured);
  try {
    return await enter(leg, options, { agreed, rest, spoken });
  } catch (error) {
    // QEMU says nothing to whose certificate it does not like: it closes, once TLS is up.
    // Nor to whose account it does not know.
    if (wasHeard && agreed.security === "sasl" && isHangUp(error))
      throw new GatewayError("upstream_authentication_failed", { cause: error });
    const isMute = !wasHeard && agreed.security !== "plain" && isHangUp(error);
    throw isMute ? new GatewayError("upstream_client_certificate", { cause: error, detail: MUTE }) : error;
  }
}

async function enter(
  leg: UpstreamLeg,
  options: SigningIn,
  {
    agreed,
    rest: early,
    spoken,
  }: {
    readonly agreed: Agreed;
    readonly rest: readonly Uint8Array[];
    readonly spoken: (leg: UpstreamLeg) => UpstreamOptions;
  },
): Promise<SignedIn> {
  const start = () => enterAsAgreed(agreed, spoken(leg));
  const { result, rest } = await converse(leg, { ...options, early }, start);
  return { leg, serverInit: result.serverInit, rest };
}

/** Runs one sequence with the hypervisor. Rejects with what went wrong; the socket is paused, or destroyed, then. */
async function converse<Result>(
  leg: UpstreamLeg,
  { deadlineMs, signal, early = [] }: SigningIn & { readonly early?: readonly Uint8Array[] },
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
  "username-missing": "upstream_username_missing",
  "username-not-asked": "upstream_username_not_asked",
  "tls-needed": "upstream_tls_needed",
  "tls-not-offered": "upstream_tls_not_offered",
  "tls-anonymous": "upstream_tls_anonymous",
  "authentication-failed": "upstream_authentication_failed",
  refused: "upstream_refused",
  malformed: "upstream_protocol_error",
};

function upstreamError(error: unknown): unknown {
  if (error instanceof DeadlineError) return new GatewayError("upstream_timeout", { cause: error });
  if (!(error instanceof ProtocolError)) return error;
  if (!(error instanceof HandshakeError))
    return new GatewayError("upstream_protocol_error", { cause: error });
  const { kind, reason } = error;
  return new GatewayError(CODES[kind], { cause: error, ...(reason === undefined ? {} : { detail: reason }) });
}

/** A reset while we were talking is a broken connection; an end is a hypervisor that would not go on. */
export function hungUp(cause: unknown): GatewayError {
  const spokenByTls = tlsError(cause);
  if (spokenByTls !== undefined) return spokenByTls;
  return cause instanceof Error
    ? new GatewayError("upstream_lost", { cause })
    : new GatewayError("upstream_closed");
}
