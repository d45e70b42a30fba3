import { ByteReader, ByteWriter } from "#base/bytes.ts";
import type { Sequence } from "#base/sequence.ts";
import { HandshakeError } from "./handshake-error.ts";
import { SECURITY_TYPE, type Security } from "./security.ts";
import { fittingSecurities, misfit, type SecurityPolicy } from "./security-policy.ts";

const limits = {
  /** Tunnels, ways to sign in, messages or encodings that a server tells of. TightVNC has about thirty of all. */
  capabilities: 256,
} as const;

/** u32 code, 4 bytes vendor, 8 bytes name. */
const CAPABILITY_BYTES = 16;
const NO_TUNNEL = 0;
/** The codes of ways to sign in are those of the security types. */
const AUTHENTICATIONS: ReadonlyMap<number, Security> = new Map([
  [SECURITY_TYPE.none, "none"],
  [SECURITY_TYPE.vncAuthentication, "vnc-authentication"],
]);

/** rfbproto, Tight Security Type, up to where the way to sign in that was chosen begins. Throws a HandshakeError. */
export function* negotiateTight(
  policy: SecurityPolicy,
  send: (bytes: Uint8Array) => void,
): Sequence<Security> {
  const tunnels = yield* readCodes(yield* readCount());
  // Nobody has ever written a tunnel; each server that asks has this one.
  if (tunnels.length > 0) send(new ByteWriter().u32(NO_TUNNEL).finish());

  const offered = yield* readCodes(yield* readCount());
  // No way to sign in: nobody has to, and nothing is chosen.
  const ways = offered.length === 0 ? [SECURITY_TYPE.none] : offered;
  const known = [...AUTHENTICATIONS].filter(([code]) => ways.includes(code));
  const fitting = known.find(([, security]) => fittingSecurities(policy).includes(security));
  if (fitting === undefined)
    throw misfit(
      known.map(([, security]) => security),
      policy,
      offered,
    );
  if (offered.length > 0) send(new ByteWriter().u32(fitting[0]).finish());
  return fitting[1];
}

/** What a server tells of itself behind ServerInit, where Tight was chosen; nothing of it is used. */
export function* skipTightCapabilities(): Sequence<void> {
  const counts = new ByteReader(yield { bytes: 8 });
  const total = counts.u16() + counts.u16() + counts.u16(); // server messages, viewer messages, encodings
  yield* readCodes(total);
}

function* readCount(): Sequence<number> {
  return new ByteReader(yield { bytes: 4 }).u32();
}

function* readCodes(count: number): Sequence<readonly number[]> {
  if (count > limits.capabilities)
    throw new HandshakeError("malformed", "more capabilities than anybody has", { received: count });
  if (count === 0) return [];
  const capabilities = new ByteReader(yield { bytes: count * CAPABILITY_BYTES });
  return Array.from({ length: count }, () => {
    const code = capabilities.u32();
    capabilities.skip(CAPABILITY_BYTES - 4);
    return code;
  });
}
