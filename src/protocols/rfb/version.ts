import { fromLatin1, latin1 } from "#base/bytes.ts";
import type { Sequence } from "#base/sequence.ts";
import { HandshakeError } from "./handshake-error.ts";

/** The versions of RFB whose handshakes differ (RFC 6143 §7.1.1). */
export const RFB_VERSIONS = ["3.3", "3.7", "3.8"] as const;
export type RfbVersion = (typeof RFB_VERSIONS)[number];

/** Every ProtocolVersion message is one line of this length: `RFB xxx.yyy\n`. */
export const VERSION_BYTES = 12;

const PREFIX = "RFB ";

/** RFC 6143 §7.1.1 ProtocolVersion. */
export function encodeVersion(version: RfbVersion): Uint8Array<ArrayBuffer> {
  return fromLatin1(`${PREFIX}00${version.replace(".", ".00")}\n`);
}

/**
 * The version whose handshake a peer speaks that sent this line. Throws a HandshakeError `not-rfb` for anything
 * that is not a ProtocolVersion message.
 *
 * Peers announce more versions than exist. Later majors (RealVNC's 4 and 5) and later minors (Apple's 003.889)
 * follow the handshake of 3.8; what lies between 3.3 and 3.7 (old UltraVNC) follows that of 3.3. `RFB 000.000` is
 * a repeater that waits for an address, not a server.
 */
export function parseVersion(line: Uint8Array): RfbVersion {
  const match = /^RFB (\d{3})\.(\d{3})\n$/.exec(latin1(line));
  const major = Number(match?.[1]);
  const minor = Number(match?.[2]);
  if (match === null || major < 3) throw notRfb(line);
  if (major > 3 || minor >= 8) return "3.8";
  return minor === 7 ? "3.7" : "3.3";
}

/** Reads the peer's version. Something else than RFB is found out by its first bytes, even if it says no more. */
export function* readVersion(): Sequence<RfbVersion> {
  const start = yield { bytes: PREFIX.length };
  if (latin1(start) !== PREFIX) throw notRfb(start);
  const rest = yield { bytes: VERSION_BYTES - PREFIX.length };
  return parseVersion(Uint8Array.of(...start, ...rest));
}

function notRfb(received: Uint8Array): HandshakeError {
  return new HandshakeError("not-rfb", "not an RFB version", { received: latin1(received) });
}
