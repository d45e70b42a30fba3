import { ByteReader, ByteWriter } from "#base/bytes.ts";
import type { Sequence } from "#base/sequence.ts";
import type { ScramCrypto } from "../scram.ts";
import { HandshakeError } from "./handshake-error.ts";
import { type Ra2Proof, signInByRa2 } from "./ra2.ts";
import { readReason } from "./reason.ts";
import { signInBySasl } from "./sasl.ts";
import { SECURITY_RESULT, SECURITY_TYPE, type Security, type TlsKind } from "./security.ts";
import { chooseType, type SecurityPolicy } from "./security-policy.ts";
import { readServerInit, type ServerInit } from "./server-init.ts";
import { negotiateTight, skipTightCapabilities } from "./tight-security.ts";
import { negotiateVeNCrypt } from "./vencrypt.ts";
import { encodeVersion, type RfbVersion, readVersion } from "./version.ts";
import { CHALLENGE_BYTES, type EncryptDes, vncAuthenticationKey } from "./vnc-authentication.ts";

export interface UpstreamOptions extends SecurityPolicy {
  readonly send: (bytes: Uint8Array) => void;
  readonly encryptDes: EncryptDes;
  /** For accounts; undefined where there are none. */
  readonly scram: ScramCrypto | undefined;
  /** Within the encryption of RA2: what shows that both have heard the same keys. */
  readonly ra2Proof?: Ra2Proof | undefined;
  /** Called once the server has shown that it speaks RFB. */
  readonly onSigningIn?: () => void;
  /** Called once the server has let us in. */
  readonly onSignedIn?: () => void;
}

/** What both sides have agreed on before anybody has signed in. */
export interface Agreed {
  readonly version: RfbVersion;
  readonly security: Security;
  /** TLS begins now: the server's next byte is of it, and so is ours. */
  readonly tls?: TlsKind;
  /** It was agreed on within the Tight security type. */
  readonly isTight: boolean;
}

/** What is known when a server is ready to be relayed. */
export interface UpstreamReady {
  readonly version: RfbVersion;
  readonly security: Security;
  readonly serverInit: ServerInit;
}

/**
 * RFC 6143 §7.1.1 and §7.1.2 as the client, towards a hypervisor: speaks the highest version that the server has, and agrees
 * with it on the strongest security of both. Nothing that is secret is said. Throws a HandshakeError.
 */
export function* agreeOnSecurity(options: UpstreamOptions): Sequence<Agreed> {
  const { send } = options;
  const version = yield* readVersion();
  send(encodeVersion(version));
  options.onSigningIn?.();

  const type = yield* version === "3.3" ? decidedType(options) : negotiatedType(options);
  if (type === SECURITY_TYPE.veNCrypt)
    return { version, ...(yield* negotiateVeNCrypt(options, send)), isTight: false };
  if (type === SECURITY_TYPE.tight)
    return { version, security: yield* negotiateTight(options, send), isTight: true };
  return { version, security: SECURITIES.get(type) ?? "none", isTight: false };
}

const SECURITIES: ReadonlyMap<number, Security> = new Map([
  [SECURITY_TYPE.vncAuthentication, "vnc-authentication"],
  [SECURITY_TYPE.sasl, "sasl"],
  [SECURITY_TYPE.ra2, "ra2"],
  [SECURITY_TYPE.ra2With256, "ra2-256"],
]);

/** RFC 6143 §7.1.3 to §7.3: signs in as agreed, and reads ServerInit. Throws a HandshakeError. */
export function* enterAsAgreed(agreed: Agreed, options: UpstreamOptions): Sequence<UpstreamReady> {
  const { version, security, tls, isTight } = agreed;
  if (security === "vnc-authentication") yield* answerChallenge(options);
  if (security === "plain") sayAccount(options);
  if (security === "sasl") yield* bySasl(options, tls !== undefined || options.isWithinTls === true);
  if (security === "ra2" || security === "ra2-256") yield* byRa2(options);
  if (security !== "none" || tls !== undefined || version === "3.8") yield* securityResult(version, security);
  options.onSignedIn?.();

  // 1 shared-flag: with 0, servers drop everybody else who looks at the machine.
  options.send(Uint8Array.of(1));
  const serverInit = yield* readServerInit();
  if (isTight) yield* skipTightCapabilities();
  return { version, security, serverInit };
}

/** The whole handshake with a server that is spoken to without TLS. Throws a HandshakeError. */
export function* upstreamHandshake(options: Omit<UpstreamOptions, "tls" | "scram">): Sequence<UpstreamReady> {
  const withoutTls = { ...options, tls: [], scram: undefined };
  return yield* enterAsAgreed(yield* agreeOnSecurity(withoutTls), withoutTls);
}

/** RFC 6143 appendix A: in 3.3 the server decides, and says so with a u32. */
function* decidedType(options: UpstreamOptions): Sequence<number> {
  const type = new ByteReader(yield { bytes: 4 }).u32(); // security-type
  if (type === SECURITY_TYPE.invalid) throw yield* refused();
  // What is not of the RFC came with 3.7.
  return chooseType(type <= SECURITY_TYPE.vncAuthentication ? [type] : [], options);
}

/** RFC 6143 §7.1.2: the server offers, we choose. */
function* negotiatedType(options: UpstreamOptions): Sequence<number> {
  const [count = 0] = yield { bytes: 1 }; // number-of-security-types
  if (count === 0) throw yield* refused();
  const type = chooseType([...(yield { bytes: count })], options); // security-types
  options.send(Uint8Array.of(type)); // security-type
  return type;
}

/** RFC 6143 §7.2.2 VNC Authentication. */
function* answerChallenge({ send, password, encryptDes }: UpstreamOptions): Sequence<void> {
  const challenge = yield { bytes: CHALLENGE_BYTES }; // challenge
  send(encryptDes(vncAuthenticationKey(password?.expose() ?? ""), challenge)); // response
}

/** rfbproto, VeNCrypt, Plain: never outside TLS. */
function sayAccount({ send, username, password }: UpstreamOptions): void {
  const name = new TextEncoder().encode(username ?? "");
  const word = new TextEncoder().encode(password?.expose() ?? "");
  send(new ByteWriter().u32(name.length).u32(word.length).bytes(name).bytes(word).finish());
}

function* bySasl(
  { username = "", scram, ...options }: UpstreamOptions,
  isWithinTls: boolean,
): Sequence<void> {
  if (scram === undefined) throw new Error("an account takes what SCRAM is made of");
  yield* signInBySasl({ send: options.send, password: options.password, username, scram, isWithinTls });
}

function* byRa2({ send, ra2Proof: proof, username, password }: UpstreamOptions): Sequence<void> {
  if (proof === undefined || password === undefined) throw new Error("RA2 takes keys and a password");
  yield* signInByRa2({ send, proof, username, password });
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
