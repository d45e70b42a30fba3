import { ProtocolError } from "#base/protocol-error.ts";
import { Secret } from "#base/secret.ts";
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
import { GatewayError, printable, toGatewayError } from "#wire/gateway-error.ts";
import { fromGranted, isWithinTls, type Upstream, type UpstreamTls } from "#wire/grant.ts";
import type { UpstreamStep } from "#wire/upstream-step.ts";
import { converse } from "../console/converse.ts";
import { endingOf, endingText } from "../console/ending.ts";
import type { OpenConsole, OpeningParts } from "../console/opening.ts";
import { UpstreamLeg } from "../console/upstream-leg.ts";
import { viewerStep } from "../console/viewer-step.ts";
import { DeadlineError, withDeadline } from "../deadline.ts";
import { encryptDes } from "../des.ts";
import { agreeOnRa2Keys, allowsRa2, isRa2Pin } from "../ra2.ts";
import { Ra2Stream } from "../ra2-stream.ts";
import { scramCrypto } from "../scram-crypto.ts";
import { serverOf } from "../sign-ins/sign-ins.ts";
import { failedAt } from "../upstream-step.ts";
import { allowedTls, asCertificateRefused, isHangUp, overTls } from "../upstream-tls.ts";

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
    // The viewer may have gone first. Some servers count whoever leaves while signing in as one who does not know the password, so
    // what has begun there comes to its end, and what comes of it counts.
    const { leg } = await upstream;
    leg.socket.destroy();
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
 * Dials the hypervisor when it is its turn there, and signs in, up to ServerInit, by TLS where that was agreed on. All of it has one
 * deadline. Throws a GatewayError that knows the step. The socket is paused then.
 */
export async function signIn({
  grant,
  connect,
  signIns,
  onStage,
  deadlines: { upstreamMs },
  signal,
}: Omit<OpeningParts, "viewer" | "lines">): Promise<SignedIn> {
  const upstream = fromGranted(grant.upstream);
  const progress: Progress = { step: undefined };
  const onStep = (step: UpstreamStep) => {
    progress.step = step;
  };
  const dialAndSignIn = async (inTime: AbortSignal): Promise<SignedIn> => {
    onStage("dialling");
    onStep("resolve");
    const dialled = await connect({ signal: inTime, onStep });
    const onSigningIn = () => onStage("signing-in");
    try {
      return await signInOver(dialled, { upstream, onSigningIn, progress, upstreamMs, signal: inTime });
    } catch (error) {
      dialled.socket.destroy();
      throw error;
    }
  };
  try {
    return await withDeadline(upstreamMs, signal, async (inTime) => {
      const waiting = { signal: inTime, onWait: () => onStage("waiting") };
      return await signIns.take(serverOf(upstream), async () => await dialAndSignIn(inTime), waiting);
    });
  } catch (error) {
    // Whoever gave it up has a reason of their own, which is of no step.
    throw signal.aborted ? signal.reason : upstreamFailure(progress, error);
  }
}

/** What is being done now, for whoever has to say what failed. None while others are signing in there. */
interface Progress {
  step: UpstreamStep | undefined;
}

function upstreamFailure({ step }: Progress, error: unknown): GatewayError {
  if (step !== undefined) return failedAt(step, upstreamError(error));
  return error instanceof DeadlineError
    ? new GatewayError("upstream_busy", { cause: error })
    : toGatewayError(error);
}

interface SigningIn {
  readonly upstream: Upstream;
  readonly onSigningIn: () => void;
  readonly progress: Progress;
  readonly upstreamMs: number;
  readonly signal: AbortSignal;
}

async function signInOver(dialled: UpstreamLeg, options: SigningIn): Promise<SignedIn> {
  const { upstream, onSigningIn, progress, signal } = options;
  const { username, password, tls: demanded } = upstream;
  const isWithin = isWithinTls(upstream);
  const spoken = (leg: UpstreamLeg): UpstreamOptions => ({
    // Within TLS that was judged any will do.
    tls: isWithin ? ["x509", "anonymous"] : isRa2Pin(demanded) ? [] : allowedTls(demanded),
    ra2: isRa2Pin(demanded) ? "demanded" : allowsRa2(demanded) || isWithin ? "allowed" : undefined,
    isWithinTls: isWithin,
    username,
    password: password === undefined ? undefined : new Secret(password),
    send: (bytes) => leg.socket.write(bytes),
    encryptDes,
    scram: scramCrypto,
    onSigningIn,
    onSignedIn: () => {
      progress.step = "handshake";
    },
  });
  progress.step = "handshake";
  const heard = listenTo(dialled, MEANT_BY_SILENCE[upstream.address.kind]);
  const { result: agreed, rest } = await converse(dialled, options, () =>
    agreeOnSecurity(spoken(dialled)),
  ).catch((error: unknown) => heard.explain(error));
  if (agreed.security === "ra2" || agreed.security === "ra2-256")
    return await enterByRa2(dialled, options, { agreed, rest, spoken });
  if (agreed.tls === undefined) return await enter(dialled, options, { agreed, rest, spoken });
  // Whoever says something before TLS says it in the open, for it to be taken for what comes within.
  if (rest.length > 0) throw new HandshakeError("malformed", "said something between RFB and TLS");
  progress.step = "tls";
  const tls = isWithin || demanded === undefined ? INSECURE : demanded;
  const leg = UpstreamLeg.over(await overTls(dialled.release(), { tls, kind: agreed.tls, signal }));
  // Whoever signs in by Plain speaks first, and a server that does not like that may close without a word.
  const heardWithin = listenTo(leg, agreed.security === "plain" ? undefined : asCertificateRefused);
  return await enter(leg, options, { agreed, rest, spoken }).catch((error: unknown) =>
    heardWithin.explain(error, agreed.security === "sasl" ? "upstream_authentication_failed" : undefined),
  );
}

async function enterByRa2(leg: UpstreamLeg, options: SigningIn, entering: Entering): Promise<SignedIn> {
  const { agreed, spoken } = entering;
  let early = entering.rest;
  options.progress.step = "authentication";
  const keys = await agreeOnRa2Keys({
    aesBits: agreed.security === "ra2-256" ? 256 : 128,
    tls: isWithinTls(options.upstream) ? INSECURE : (options.upstream.tls ?? INSECURE),
    send: (bytes) => leg.socket.write(bytes),
    converse: async (start) => {
      const { result, rest } = await converse(leg, { ...options, early }, start);
      early = rest;
      return result;
    },
  });
  const encrypted = UpstreamLeg.over(new Ra2Stream(leg, { keys, early }).pause());
  return await enter(encrypted, options, {
    agreed,
    rest: [],
    spoken: () => ({ ...spoken(encrypted), ra2Proof: keys.proof }),
  });
}

const INSECURE: UpstreamTls = { mode: "insecure" };

/** XAPI has answered 200 before it looks for the machine's VNC server. */
const SERVER_GONE = "it opened the console and closed it at once: the machine's VNC server is gone";

function asServerGone(error: unknown): unknown {
  if (!isHangUp(error)) return error;
  return new GatewayError("upstream_closed", { cause: error, detail: SERVER_GONE });
}

/** What it means of whom we have got through to that he hangs up before he has said anything; absent: nothing beside that. */
const MEANT_BY_SILENCE: Readonly<Partial<Record<Upstream["address"]["kind"], (error: unknown) => unknown>>> =
  { tls: asCertificateRefused, "http-connect": asServerGone };

/** QEMU says nothing to whose certificate it does not like: it closes, once TLS is up. Nor, later, to whose account it does not know. */
function listenTo({ socket }: UpstreamLeg, silence: ((error: unknown) => unknown) | undefined) {
  let wasHeard = false;
  socket.once("data", () => {
    wasHeard = true;
  });
  return {
    /** `otherwise` is what it means that it hangs up later; undefined: no more than that. */
    explain(error: unknown, otherwise?: ErrorCode): never {
      if (!wasHeard && silence !== undefined) throw silence(error);
      throw otherwise !== undefined && isHangUp(error)
        ? new GatewayError(otherwise, { cause: error })
        : error;
    },
  };
}

interface Entering {
  readonly agreed: Agreed;
  readonly rest: readonly Uint8Array[];
  readonly spoken: (leg: UpstreamLeg) => UpstreamOptions;
}

async function enter(
  leg: UpstreamLeg,
  options: SigningIn,
  { agreed, rest: early, spoken }: Entering,
): Promise<SignedIn> {
  options.progress.step = agreed.security === "none" ? "handshake" : "authentication";
  const start = () => enterAsAgreed(agreed, spoken(leg));
  const { result, rest } = await converse(leg, { ...options, early }, start);
  return { leg, serverInit: result.serverInit, rest };
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
  "ra2-not-offered": "upstream_ra2_not_offered",
  "key-unproven": "upstream_key_changed",
  "authentication-failed": "upstream_authentication_failed",
  refused: "upstream_refused",
  malformed: "upstream_protocol_error",
};

function upstreamError(error: unknown): GatewayError {
  if (error instanceof DeadlineError) return new GatewayError("upstream_timeout", { cause: error });
  if (!(error instanceof ProtocolError)) return toGatewayError(error);
  if (!(error instanceof HandshakeError))
    return new GatewayError("upstream_protocol_error", { cause: error });
  const { kind, reason } = error;
  return new GatewayError(CODES[kind], { cause: error, ...(reason === undefined ? {} : { detail: reason }) });
}
