/** One thing of a PEM text (RFC 7468), or of the older form with headers (RFC 1421), as OpenSSL used to write keys. */
export interface PemBlock {
  /** What it says that it is, such as `CERTIFICATE`. */
  readonly label: string;
  /** The block by itself. */
  readonly text: string;
  /** Encrypted by the block's own headers. */
  readonly hasHeaders: boolean;
}

const BEGIN = "-----BEGIN ";
const END = "-----END ";
const DASHES = "-----";

/**
 * The blocks of a text, in their order. What stands around them, as `openssl` and mail programs write, is passed over;
 * so is a block without an end. In one pass, whatever the text.
 */
export function pemBlocks(text: string): readonly PemBlock[] {
  const blocks: PemBlock[] = [];
  let at = text.indexOf(BEGIN);
  while (at !== -1) {
    const labelEnd = text.indexOf(DASHES, at + BEGIN.length);
    const end = labelEnd === -1 ? -1 : text.indexOf(END, labelEnd);
    if (end === -1) return blocks;
    const label = text.slice(at + BEGIN.length, labelEnd);
    const body = text.slice(labelEnd + DASHES.length, end).trim();
    blocks.push({
      label,
      text: `${BEGIN}${label}${DASHES}\n${body}\n${END}${label}${DASHES}\n`,
      hasHeaders: body.startsWith("Proc-Type:"),
    });
    at = text.indexOf(BEGIN, end);
  }
  return blocks;
}

/** What a block says in base64. Throws nothing: what is no base64 comes out as other bytes. */
export function pemBytes({ text }: PemBlock): Uint8Array {
  return Buffer.from(text.split("\n").slice(1, -2).join(""), "base64");
}
