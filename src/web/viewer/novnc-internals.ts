import type RFB from "@novnc/novnc";

/**
 * What we must know of noVNC and it does not publish. The names are those of version 1.7.0, which package.json
 * pins; another version is taken only after they were looked at again.
 */
interface Internals {
  /** It has stopped reading until what it decoded is drawn. */
  readonly _flushing: boolean;
  readonly _fbWidth: number;
  readonly _fbHeight: number;
  readonly _sock: { rQlen(): number };
  readonly _display: { flush(): Promise<void> };
  /** The server said ExtendedDesktopSize, so it can be asked for another size. */
  readonly _supportsSetDesktopSize: boolean;
  /** Formats of the extended clipboard that the server takes; 1 is text in UTF-8. */
  readonly _clipboardServerCapabilitiesFormats: Readonly<Record<number, boolean>>;
}

const TEXT_FORMAT = 1;

/** Bytes that wait because noVNC still draws. What it merely keeps of an unfinished message does not count. */
export function heldBackBytes(rfb: RFB): number {
  const { _flushing, _sock } = internals(rfb);
  return _flushing ? _sock.rQlen() : 0;
}

/** Resolves when what was decoded is drawn and noVNC has gone on reading. It needs no timer, so hidden tabs keep pace. */
export async function drawn(rfb: RFB): Promise<void> {
  await internals(rfb)._display.flush();
}

/** The machine's own screen, in its pixels. */
export function screenSize(rfb: RFB): { readonly width: number; readonly height: number } {
  const { _fbWidth, _fbHeight } = internals(rfb);
  return { width: _fbWidth, height: _fbHeight };
}

export function canResize(rfb: RFB): boolean {
  return internals(rfb)._supportsSetDesktopSize;
}

/** Without the extended clipboard only Latin-1 reaches the machine (RFC 6143 §7.5.6). */
export function takesUnicode(rfb: RFB): boolean {
  return internals(rfb)._clipboardServerCapabilitiesFormats[TEXT_FORMAT] === true;
}

function internals(rfb: RFB): Internals {
  return rfb as unknown as Internals;
}
