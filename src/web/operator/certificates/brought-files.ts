/** What the dialog takes from files and from the clipboard. */
export const limits = {
  /** Of one file: a chain of four with large keys has 10 kB, and control takes about 64 kB in all. */
  fileBytes: 48_000,
  /** Of all that is sent at once, as control bounds it. */
  bodyCharacters: 64 * 1024,
  /** Those that are read at once: somebody may drop a folder's whole contents. */
  files: 20,
} as const;

/** A file that somebody chose or dropped, sorted by what is in it and not by its name. */
export type BroughtFile =
  | {
      readonly part: "certificate" | "privateKey";
      readonly name: string;
      readonly text: string;
      readonly bytes: number;
    }
  | { readonly part: "pkcs12"; readonly name: string; readonly base64: string; readonly bytes: number };

/** Why a file is not taken. */
export type FileRefusal = { readonly name: string } & (
  | { readonly reason: "too-large"; readonly bytes: number }
  | { readonly reason: "der-certificate" | "not-known" | "unreadable" }
);

/** Reads a file, unless it is too large for what it is to be: then nothing of it is read, and nothing is sent. */
export async function readBroughtFile(file: File): Promise<BroughtFile | FileRefusal> {
  const { name, size } = file;
  if (size > limits.fileBytes) return { name, reason: "too-large", bytes: size };
  try {
    return sort(name, new Uint8Array(await file.arrayBuffer()));
  } catch {
    return { name, reason: "unreadable" };
  }
}

export function isRefusal(brought: BroughtFile | FileRefusal): brought is FileRefusal {
  return "reason" in brought;
}

function sort(name: string, content: Uint8Array): BroughtFile | FileRefusal {
  const bytes = content.length;
  const text = new TextDecoder().decode(content);
  if (text.includes("-----BEGIN ")) {
    const isKey = /-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----/.test(text) && !text.includes("CERTIFICATE-----");
    return { part: isKey ? "privateKey" : "certificate", name, text, bytes };
  }
  switch (derKind(content)) {
    case "pkcs12":
      return { part: "pkcs12", name, base64: base64Of(content), bytes };
    case "certificate":
      return { name, reason: "der-certificate" };
    default:
      return { name, reason: "not-known" };
  }
}

function base64Of(content: Uint8Array): string {
  return btoa(Array.from(content, (byte) => String.fromCharCode(byte)).join(""));
}

/** DER: a sequence that begins with version 3 is a PKCS#12 (RFC 7292 §4), one that begins with a sequence a certificate. */
function derKind(content: Uint8Array): "pkcs12" | "certificate" | undefined {
  if (content[0] !== 0x30) return undefined;
  const length = content[1] ?? 0;
  // 0x80, of BER, says that the length is not known.
  const inside = content.subarray(length > 0x80 ? 2 + (length & 0x7f) : 2);
  if (inside[0] === 0x02 && inside[1] === 1 && inside[2] === 3) return "pkcs12";
  return inside[0] === 0x30 ? "certificate" : undefined;
}
