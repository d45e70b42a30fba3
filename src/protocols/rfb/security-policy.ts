import type { Secret } from "#base/secret.ts";
import { HandshakeError } from "./handshake-error.ts";
import { SECURITY_TYPE, type Security, type TlsKind } from "./security.ts";

/** What is on record of a machine: nothing weaker is taken. */
export interface SecurityPolicy {
  /** The kinds of TLS that will do; empty: it is spoken to without. */
  readonly tls: readonly TlsKind[];
  /** TLS that was judged is around all of it: what is spoken within need not have any, and may have whichever it likes. */
  readonly isWithinTls?: boolean | undefined;
  /** Whether RA2 will do, and whether nothing else does: then the machine is known by that key. */
  readonly ra2?: "allowed" | "demanded" | undefined;
  /** With it, the password is that of an account. */
  readonly username?: string | undefined;
  readonly password?: Secret | undefined;
}

/**
 * Every way to sign in that fits what is on record, the strongest first. A password on record is how the machine is known:
 * whoever does not ask for it may be another that was given the port, or somebody in between who has no answer to check.
 */
export function fittingSecurities({ username, password }: SecurityPolicy): readonly Security[] {
  if (username !== undefined) return ["sasl", "plain"];
  return password === undefined ? ["none"] : ["vnc-authentication"];
}

/**
 * Of the security types that a server offers, the one to take (RFC 6143 §7.1.2). Tight may have within what is not offered
 * beside it. Throws a HandshakeError that says what is amiss.
 */
export function chooseType(offered: readonly number[], policy: SecurityPolicy): number {
  const offers = (type: number) => offered.includes(type);
  // Who has no password would be let in by nobody.
  const ra2 = policy.ra2 === undefined || policy.password === undefined ? undefined : RA2_TYPES.find(offers);
  if (policy.ra2 === "demanded") {
    if (ra2 !== undefined) return ra2;
    throw new HandshakeError("ra2-not-offered", "RA2 is demanded, and not offered", { received: offered });
  }
  if (policy.tls.length > 0 && policy.isWithinTls !== true) {
    if (offers(SECURITY_TYPE.veNCrypt)) return SECURITY_TYPE.veNCrypt;
    if (ra2 !== undefined) return ra2;
    throw new HandshakeError("tls-not-offered", "TLS is demanded, and not offered", { received: offered });
  }
  const known = Object.entries(TYPES).filter(([, type]) => offers(type)) as [Security, number][];
  const fitting = known.find(([security]) => fittingSecurities(policy).includes(security));
  if (fitting !== undefined) return fitting[1];
  if (policy.isWithinTls === true && ra2 !== undefined) return ra2;
  const veNCrypt = policy.isWithinTls === true && offers(SECURITY_TYPE.veNCrypt);
  // An account is told by VeNCrypt alone of the two.
  if (offers(SECURITY_TYPE.tight) && !(veNCrypt && policy.username !== undefined)) return SECURITY_TYPE.tight;
  if (veNCrypt) return SECURITY_TYPE.veNCrypt;
  if (known.length === 0 && offers(SECURITY_TYPE.veNCrypt))
    throw new HandshakeError("tls-needed", "the server takes TLS alone", { received: offered });
  throw misfit(
    known.map(([security]) => security),
    policy,
    offered,
  );
}

/** The stronger one first. Those that encrypt nothing behind the password (6 and 130) are not spoken. */
const RA2_TYPES: readonly number[] = [SECURITY_TYPE.ra2With256, SECURITY_TYPE.ra2];

const TYPES = {
  none: SECURITY_TYPE.none,
  "vnc-authentication": SECURITY_TYPE.vncAuthentication,
  sasl: SECURITY_TYPE.sasl,
} as const;

/** Why none of the ways in which a server would be signed in to fits what is on record. */
export function misfit(
  offered: readonly Security[],
  { username, password }: SecurityPolicy,
  received: unknown,
): HandshakeError {
  const offers = (security: Security) => offered.includes(security);
  if (offers("none"))
    return new HandshakeError("password-not-asked", "the password on record is not asked for", { received });
  if (offers("vnc-authentication") && password === undefined)
    return new HandshakeError("password-missing", "a password is needed, and none is on record", {
      received,
    });
  if (offers("vnc-authentication") && username !== undefined)
    return new HandshakeError("username-not-asked", "the user name on record is not asked for", { received });
  if (offers("plain") || offers("sasl"))
    return new HandshakeError("username-missing", "a user name is needed, and none is on record", {
      received,
    });
  return new HandshakeError("security-unsupported", "no security type in common", { received });
}
