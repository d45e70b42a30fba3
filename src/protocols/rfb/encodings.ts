/** Encoding types (RFC 6143 §7.7, and rfbproto's registry) that more than the allow-list below speaks of. */
export const ENCODING = {
  raw: 0,
  copyRect: 1,
  desktopSize: -223,
  qemuPointerMotionChange: -257,
  qemuExtendedKeyEvent: -258,
  extendedDesktopSize: -308,
  xvp: -309,
  extendedMouseButtons: -316,
  extendedClipboard: 0xc0a1e5ce | 0,
} as const;

/** What a viewer may be allowed to do. */
type Right = "input" | "clipboardIn" | "power";

/**
 * The encodings that a viewer may announce. INVARIANT: none of them makes a viewer send a message that
 * `viewer-message-layout.ts` does not measure. Missing on purpose: ExtendedMouseButtons (-316), with which a
 * PointerEvent has six bytes or seven, and only the server's side tells which; gii (-305), whose messages have
 * layouts of their own.
 */
const ALLOWED: ReadonlyMap<number, readonly Right[]> = new Map<number, readonly Right[]>([
  ...always(
    ENCODING.raw,
    ENCODING.copyRect,
    2, // RRE
    4, // CoRRE
    5, // Hextile
    6, // Zlib
    7, // Tight
    8, // ZlibHex
    15, // TRLE
    16, // ZRLE
    17, // ZYWRLE
    21, // JPEG
    50, // H.264
    -260, // TightPNG
  ),
  ...range(-32, -23), // JPEG quality level
  ...range(-256, -247), // compression level
  ...range(-512, -412), // JPEG fine-grained quality level
  ...range(-768, -763), // JPEG subsampling level
  ...always(
    ENCODING.desktopSize,
    ENCODING.extendedDesktopSize,
    -224, // LastRect
    -232, // PointerPos
    -239, // Cursor
    -240, // X Cursor
    -259, // QEMU Audio
    -261, // QEMU LED State
    -307, // DesktopName
    -312, // Fence
    -313, // ContinuousUpdates
    -314, // Cursor With Alpha
    0x574d5664, // VMware Cursor
    0x574d5666, // VMware Cursor Position
    0x574d5668, // VMware LED State
    0x574d5669, // VMware Display Mode Change (WMVi)
  ),
  // What serves only these rights, and is of no use without them.
  [ENCODING.qemuPointerMotionChange, ["input"]],
  [ENCODING.qemuExtendedKeyEvent, ["input"]],
  [ENCODING.extendedClipboard, ["clipboardIn", "input"]],
  [ENCODING.xvp, ["power"]],
]);

/** Whether a viewer with these rights may announce an encoding. */
export function isAllowedEncoding(encoding: number, rights: Readonly<Record<Right, boolean>>): boolean {
  return ALLOWED.get(encoding)?.every((right) => rights[right]) ?? false;
}

function always(...encodings: readonly number[]): [number, readonly Right[]][] {
  return encodings.map((encoding) => [encoding, []]);
}

function range(first: number, last: number): [number, readonly Right[]][] {
  return always(...Array.from({ length: last - first + 1 }, (_, index) => first + index));
}
