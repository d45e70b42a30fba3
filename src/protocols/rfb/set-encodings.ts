import { ByteReader } from "#base/bytes.ts";
import { isAllowedEncoding } from "./encodings.ts";
import { encodeSetEncodings } from "./messages.ts";
import type { ViewerRights } from "./viewer-message-layout.ts";

/**
 * Cuts a whole SetEncodings message to the encodings that a viewer with these rights may announce, in their order.
 * Returns the message itself where nothing is to be cut. An empty list is fine: Raw needs no announcement.
 */
export function withAllowedEncodings(message: Uint8Array, rights: ViewerRights): Uint8Array {
  const reader = new ByteReader(message);
  reader.skip(2); // message-type, padding
  const announced = Array.from({ length: reader.u16() }, () => reader.i32()); // encoding-type…
  const allowed = announced.filter((encoding) => isAllowedEncoding(encoding, rights));
  return allowed.length === announced.length ? message : encodeSetEncodings(allowed);
}
