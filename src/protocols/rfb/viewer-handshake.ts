import { ByteWriter } from "#base/bytes.ts";
import type { Sequence } from "#base/sequence.ts";
import { HandshakeError } from "./handshake-error.ts";
import { encodeReason } from "./reason.ts";
import { SECURITY_RESULT, SECURITY_TYPE } from "./security.ts";
import { encodeVersion, type RfbVersion, readVersion } from "./version.ts";

type Send = (bytes: Uint8Array) => void;

/**
 * RFC 6143 §7.1.1 as the server, towards a viewer: we say 3.8, it answers with what it speaks. Throws a
 * HandshakeError. Apart from `acceptViewer`, so that there is time to find out whether to accept or to refuse.
 */
export function* viewerVersion(send: Send): Sequence<RfbVersion> {
  send(encodeVersion("3.8"));
  return yield* readVersion();
}

/**
 * RFC 6143 §7.1.2 to §7.3.1 as the server: offers None and nothing else, and reads ClientInit. ServerInit is
 * what the viewer waits for afterwards. Throws a HandshakeError.
 */
export function* acceptViewer(version: RfbVersion, send: Send): Sequence<{ readonly shared: boolean }> {
  if (version === "3.3") send(new ByteWriter().u32(SECURITY_TYPE.none).finish()); // security-type
  if (version !== "3.3") yield* negotiateNone(version, send);
  const [shared = 0] = yield { bytes: 1 }; // shared-flag
  return { shared: shared !== 0 };
}

function* negotiateNone(version: RfbVersion, send: Send): Sequence<void> {
  send(Uint8Array.of(1, SECURITY_TYPE.none)); // number-of-security-types, security-types
  const [chosen] = yield { bytes: 1 }; // security-type
  if (chosen !== SECURITY_TYPE.none) {
    if (version === "3.8") send(securityFailed("only the security type None is offered"));
    throw new HandshakeError("malformed", "security type was not offered", { received: chosen });
  }
  if (version === "3.8") send(new ByteWriter().u32(SECURITY_RESULT.ok).finish()); // status
}

function securityFailed(reason: string): Uint8Array {
  return new ByteWriter().u32(SECURITY_RESULT.failed).bytes(encodeReason(reason)).finish();
}

/**
 * What to say instead of accepting, after the versions were exchanged: no security types, and why (RFC 6143
 * §7.1.2, appendix A). Viewers show the reason to their user. The connection is to be closed behind it.
 */
export function refuseViewer(version: RfbVersion, reason: string): Uint8Array<ArrayBuffer> {
  const none = new ByteWriter();
  if (version === "3.3") none.u32(SECURITY_TYPE.invalid); // security-type
  if (version !== "3.3") none.u8(0); // number-of-security-types
  return none.bytes(encodeReason(reason)).finish();
}
