import { ProtocolError } from "#base/protocol-error.ts";

/**
 * What went wrong while two ends were getting to know each other:
 * - `not-rfb`: the peer speaks something else;
 * - `security-unsupported`: it offers no way to sign in that is spoken here;
 * - `password-missing`: it wants a password, and none is on record;
 * - `password-not-asked`: a password is on record, and it would let anybody in without;
 * - `username-missing`: it wants a user name, and none is on record;
 * - `username-not-asked`: a user name is on record, and it would let in whoever knows a password;
 * - `tls-not-offered`: TLS is demanded, and it offers none;
 * - `tls-anonymous`: a certificate is demanded, and it offers TLS without one alone;
 * - `tls-needed`: it takes TLS alone, and nothing is on record of how to know its certificate;
 * - `ra2-not-offered`: RA2 is demanded, and it offers none;
 * - `key-unproven`: it does not show that both have heard the same keys;
 * - `authentication-failed`: it did not accept ours;
 * - `refused`: it said no, for a reason of its own;
 * - `malformed`: it speaks RFB, but said something that RFB does not have.
 */
export type HandshakeFailure =
  | "not-rfb"
  | "security-unsupported"
  | "password-missing"
  | "password-not-asked"
  | "username-missing"
  | "username-not-asked"
  | "tls-not-offered"
  | "tls-anonymous"
  | "tls-needed"
  | "ra2-not-offered"
  | "key-unproven"
  | "authentication-failed"
  | "refused"
  | "malformed";

interface HandshakeErrorOptions {
  readonly received?: unknown;
  readonly reason?: string | undefined;
}

/** A handshake that cannot succeed. The peer is told nothing more; its connection is to be closed. */
export class HandshakeError extends ProtocolError {
  override readonly name = "HandshakeError";
  readonly kind: HandshakeFailure;
  /** The peer's own words, bounded in length but otherwise as it sent them: make them printable before showing. */
  readonly reason: string | undefined;

  constructor(kind: HandshakeFailure, message: string, { received, reason }: HandshakeErrorOptions = {}) {
    super(message, received);
    this.kind = kind;
    this.reason = reason;
  }
}
