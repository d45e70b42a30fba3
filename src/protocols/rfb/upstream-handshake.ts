import { ByteReader } from "#base/bytes.ts";
import type { Secret } from "#base/secret.ts";
import type { Sequence } from "#base/sequence.ts";
import { HandshakeError } from "./handshake-error.ts";
import { readReason } from "./reason.ts";
import { SECURITY_RESULT, SECURITY_TYPE, type Security } from "./security.ts";
import { readServerInit, type ServerInit } from "./server-init.ts";
import { encodeVersion, type RfbVersion, readVersion } from "./version.ts";
import { CHALLENGE_BYTES, type EncryptDes, vncAuthenticationKey } from "./vnc-authentication.ts";

export interface UpstreamOptions {
  readonly send: (bytes: Uint8Array) => void;
  /** The machine's VNC password, where one is on record. */
  readonly password?: Secret | undefined;
  readonly encryptDes: EncryptDes;
  /** Called once the server has shown that it speaks RFB. */
  readonly onSigningIn?: () => void;
}

/** What is known when a server is ready to be relayed. */
export interface UpstreamReady {
  readonly version: RfbVersion;
  readonly security: Security;
  readonly serverInit: ServerInit;
}

/**
 * RFC 6143 §7.1 to §7.3 as the client, towards a hypervisor: speaks the highest version that the server has,
 * signs in, and reads ServerInit. Throws a HandshakeError.
 */
export function* upstreamHandshake(options: UpstreamOptions): Sequence<UpstreamReady> {
  const { send } = options;
  const version = yield* readVersion();
  send(encodeVersion(version));
  options.onSigningIn?.();

  const security = yield* version === "3.3" ? decidedSecurity(options) : negotiatedSecurity(options);
  if (security === "vnc-authentication") yield* answerChallenge(options);
  if (security === "vnc-authentication" || version === "3.8") yield* securityResult(version, security);

  // 1 shared-flag: with 0, servers drop everybody else who looks at the machine.
  send(Uint8Array.of(1));
  return { version, security, serverInit: yield* readServerInit() };
}

/** RFC 6143 appendix A: in 3.3 the server decides, and says so with a u32. */
function* decidedSecurity(options: UpstreamOptions): Sequence<Security> {
  const type = new ByteReader(yield { bytes: 4 }).u32(); // security-type
  if (type === SECURITY_TYPE.invalid) throw yield* refused();
  return chooseSecurity([type], options);
}

/** RFC 6143 §7.1.2: the server offers, we choose. */
function* negotiatedSecurity(options: UpstreamOptions): Sequence<Security> {
  const [count = 0] = yield { bytes: 1 }; // number-of-security-types
  if (count === 0) throw yield* refused();
  const security = chooseSecurity([...(yield { bytes: count })], options); // security-types
  options.send(
    Uint8Array.of(security === "none" ? SECURITY_TYPE.none : SECURITY_TYPE.vncAuthentication), // security-type
  );
  return security;
}

/**
 * A password on record is how the machine is known: whoever does not ask for it may be another that was given the
 * port, or somebody in between who has no answer to check. Without one, None will do.
 */
function chooseSecurity(offered: readonly number[], { password }: UpstreamOptions): Security {
  const asksForPassword = offered.includes(SECURITY_TYPE.vncAuthentication);
  const asksForNothing = offered.includes(SECURITY_TYPE.none);
  if (asksForPassword && password !== undefined) return "vnc-authentication";
  if (asksForNothing && password === undefined) return "none";
  if (asksForNothing)
    throw new HandshakeError("password-not-asked", "the password on record is not asked for");
  if (asksForPassword)
    throw new HandshakeError("password-missing", "a password is needed, and none is on record");
  throw new HandshakeError("security-unsupported", "no security type in common", { received: offered });
}

/** RFC 6143 §7.2.2 VNC Authentication. */
function* answerChallenge({ send, password, encryptDes }: UpstreamOptions): Sequence<void> {
  const challenge = yield { bytes: CHALLENGE_BYTES }; // challenge
  send(encryptDes(vncAuthenticationKey(password?.expose() ?? ""), challenge)); // response
}

/** RFC 6143 §7.1.3 SecurityResult. Only 3.8 gives a reason. */
function* securityResult(version: RfbVersion, security: Security): Sequence<void> {
  const status = new ByteReader(yield { bytes: 4 }).u32(); // status
  if (status === SECURITY_RESULT.ok) return;
  const reason = version === "3.8" ? yield* readReason() : undefined;
  if (security === "none") throw new HandshakeError("refused", "refused by the server", { reason });
  throw new HandshakeError("authentication-failed", "password not accepted", { received: status, reason });
}

function* refused(): Sequence<HandshakeError> {
  return new HandshakeError("refused", "refused by the server", { reason: yield* readReason() });
}
