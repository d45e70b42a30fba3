import { brotliDecompressSync, gunzipSync } from "node:zlib";

/** RFC 9110 §8.4.1, best first. */
export const CODINGS = ["br", "gzip"] as const;
type Coding = (typeof CODINGS)[number];

/** What stands behind a file's name in that of its encoded form, which is made when the pages are built. */
export const ENDINGS: Readonly<Record<Coding, string>> = { br: ".br", gzip: ".gz" };

/** The same content in fewer bytes. */
export interface Encoded {
  readonly coding: Coding;
  readonly body: Buffer;
}

const DECODE = { br: brotliDecompressSync, gzip: gunzipSync } as const;

/** Whether it is this content, in fewer bytes: somebody may have changed the one and not the other. */
export function isEncodedFrom(content: Buffer, { coding, body }: Encoded): boolean {
  if (body.length >= content.length) return false;
  try {
    return DECODE[coding](body, { maxOutputLength: content.length }).equals(content);
  } catch {
    return false;
  }
}

/** RFC 9110 §12.5.3: whether Accept-Encoding lets a coding through. A weight tells it only from 0, which forbids. */
export function accepts(header: string | undefined, coding: Coding): boolean {
  const weights = new Map((header ?? "").split(",").map(readWeight));
  return (weights.get(coding) ?? weights.get("*") ?? 0) > 0;
}

function readWeight(item: string): readonly [coding: string, weight: number] {
  const [coding = "", ...parameters] = item.split(";").map((part) => part.trim().toLowerCase());
  const weight = parameters.find((parameter) => parameter.startsWith("q="))?.slice(2);
  return [coding, weight === undefined ? 1 : Number(weight)];
}
