import { ByteReader, ByteWriter, latin1 } from "#base/bytes.ts";
import { ProtocolError } from "#base/protocol-error.ts";
import { Secret } from "#base/secret.ts";
import type { Sequence } from "#base/sequence.ts";
import { Scram, type ScramCrypto } from "../scram.ts";
import { HandshakeError } from "./handshake-error.ts";

const limits = {
  /** The names of all mechanisms that there are take less. */
  mechanismsBytes: 4096,
  /** What a server says in one step; SCRAM's longest has about a hundred bytes. */
  stepBytes: 16_384,
} as const;

export interface SaslOptions {
  readonly send: (bytes: Uint8Array) => void;
  readonly username: string;
  readonly password: Secret | undefined;
  readonly scram: ScramCrypto;
  /** Whether TLS is around it: without, nothing is spoken that says the password. */
  readonly isWithinTls: boolean;
}

/**
 * QEMU's SASL security type, up to SecurityResult: SCRAM-SHA-256, where the server shows that it knows the password, or PLAIN
 * within TLS. Throws a HandshakeError.
 */
export function* signInBySasl(options: SaslOptions): Sequence<void> {
  const length = new ByteReader(yield { bytes: 4 }).u32(); // mechlist-length
  if (length > limits.mechanismsBytes)
    throw new HandshakeError("malformed", "list of mechanisms too long", { received: length });
  const offered = latin1(yield { bytes: length }).split(/[, ]/); // mechlist
  if (offered.includes("SCRAM-SHA-256")) yield* byScram(options);
  else if (offered.includes("PLAIN") && options.isWithinTls) yield* byPlain(options);
  else throw new HandshakeError("security-unsupported", "no SASL mechanism in common", { received: offered });
}

function* byScram({ send, username, password, scram: crypto }: SaslOptions): Sequence<void> {
  const scram = new Scram({ username, password: password ?? new Secret("") }, crypto);
  send(start("SCRAM-SHA-256", scram.first));
  const first = yield* readStep();
  if (first.isLast) throw unproven();
  send(step(answered(scram, first.said)));
  const final = yield* readStep();
  // RFC 5802 §7, server-error; QEMU hangs up instead.
  if (final.said.startsWith("e=")) throw new HandshakeError("authentication-failed", "account not accepted");
  if (!scram.isProof(final.said)) throw unproven();
  if (final.isLast) return;
  // It has said all; some servers want to hear that this was heard (RFC 4422 §3.6).
  send(step(undefined));
  yield* readLast();
}

function* byPlain({ send, username, password }: SaslOptions): Sequence<void> {
  send(start("PLAIN", `\0${username}\0${password?.expose() ?? ""}`)); // RFC 4616
  yield* readLast();
}

function answered(scram: Scram, said: string): string {
  try {
    return scram.answer(said);
  } catch (cause) {
    if (!(cause instanceof ProtocolError)) throw cause;
    throw new HandshakeError("malformed", cause.message, { received: cause.received });
  }
}

/** Whoever lets us in without that is not known to be the machine. */
function unproven(): HandshakeError {
  return new HandshakeError("password-not-asked", "the server does not show that it knows the password");
}

function start(mechanism: string, said: string): Uint8Array {
  const name = new TextEncoder().encode(mechanism);
  return new ByteWriter().u32(name.length).bytes(name).bytes(step(said)).finish();
}

/** What is said ends with a zero byte, which is counted; nothing at all is told from nothing said by that. */
function step(said: string | undefined): Uint8Array {
  if (said === undefined) return new ByteWriter().u32(0).finish();
  const bytes = new TextEncoder().encode(said);
  return new ByteWriter()
    .u32(bytes.length + 1)
    .bytes(bytes)
    .u8(0)
    .finish();
}

function* readStep(): Sequence<{ readonly said: string; readonly isLast: boolean }> {
  const length = new ByteReader(yield { bytes: 4 }).u32();
  if (length > limits.stepBytes)
    throw new HandshakeError("malformed", "step of SASL too long", { received: length });
  const said = new TextDecoder().decode(yield { bytes: length }).replace(/\0$/, "");
  const [isLast] = yield { bytes: 1 };
  return { said, isLast: isLast !== 0 };
}

function* readLast(): Sequence<void> {
  const { isLast } = yield* readStep();
  if (!isLast) throw new HandshakeError("malformed", "SASL goes on where it is at its end");
}
