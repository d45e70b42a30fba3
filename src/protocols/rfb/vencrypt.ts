import { ByteReader, ByteWriter } from "#base/bytes.ts";
import type { Sequence } from "#base/sequence.ts";
import { HandshakeError } from "./handshake-error.ts";
import type { Security, TlsKind } from "./security.ts";
import { fittingSecurities, misfit, type SecurityPolicy } from "./security-policy.ts";

/** One of VeNCrypt's ways: TLS of a kind, and within it a way to sign in. */
export interface Subtype {
  readonly tls: TlsKind;
  readonly security: Exclude<Security, "ra2" | "ra2-256">;
}

/** Those with TLS. 256, a user name and a password without it, is never spoken. */
export const SUBTYPES: ReadonlyMap<number, Subtype> = new Map([
  [257, { tls: "anonymous", security: "none" }],
  [258, { tls: "anonymous", security: "vnc-authentication" }],
  [259, { tls: "anonymous", security: "plain" }],
  [260, { tls: "x509", security: "none" }],
  [261, { tls: "x509", security: "vnc-authentication" }],
  [262, { tls: "x509", security: "plain" }],
  [263, { tls: "x509", security: "sasl" }],
  [264, { tls: "anonymous", security: "sasl" }],
]);

/** The only version with subtypes of 32 bits, and the only one that is found. */
const VERSION = Uint8Array.of(0, 2);

/**
 * rfbproto, VeNCrypt, up to where TLS begins: takes the strongest that both sides have. All of it is said in the open, so
 * whatever a server is made to offer, nothing that is weaker than the policy is taken. Throws a HandshakeError.
 */
export function* negotiateVeNCrypt(
  policy: SecurityPolicy,
  send: (bytes: Uint8Array) => void,
): Sequence<Subtype> {
  const version = yield { bytes: 2 }; // the highest version that the server has
  if (version[0] === 0 && (version[1] ?? 0) < 2)
    throw new HandshakeError("security-unsupported", "VeNCrypt older than 0.2", { received: version });
  send(VERSION);
  const [unsupported] = yield { bytes: 1 };
  if (unsupported !== 0) throw new HandshakeError("security-unsupported", "VeNCrypt 0.2 was not taken");
  const [count = 0] = yield { bytes: 1 };
  const subtypes = new ByteReader(yield { bytes: 4 * count });
  const offered = Array.from({ length: count }, () => subtypes.u32());
  const [number, subtype] = chooseSubtype(offered, policy);
  send(new ByteWriter().u32(number).finish());
  const [accepted] = yield { bytes: 1 };
  if (accepted !== 1)
    throw new HandshakeError("refused", "the server did not take the subtype that it offered");
  return subtype;
}

function chooseSubtype(offered: readonly number[], policy: SecurityPolicy): readonly [number, Subtype] {
  const known = [...SUBTYPES].filter(([number]) => offered.includes(number));
  const fitting = policy.tls.flatMap((tls) =>
    fittingSecurities(policy).flatMap((security) =>
      known.filter(([, subtype]) => subtype.tls === tls && subtype.security === security),
    ),
  );
  const [strongest] = fitting;
  if (strongest !== undefined) return strongest;
  const secured = known.filter(([, { tls }]) => policy.tls.includes(tls));
  if (secured.length > 0)
    throw misfit(
      secured.map(([, { security }]) => security),
      policy,
      offered,
    );
  if (known.length > 0)
    throw new HandshakeError("tls-anonymous", "the server offers TLS without a certificate alone", {
      received: offered,
    });
  throw new HandshakeError("tls-not-offered", "TLS is demanded, and not offered", { received: offered });
}
