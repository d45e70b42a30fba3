import type { Picture } from "./driver.ts";
import { isJpeg, judgedJpeg } from "./jpeg.ts";
import { toPng } from "./png.ts";

/** A picture that everybody can show. */
export interface Shown {
  readonly mediaType: "image/png" | "image/jpeg";
  readonly bytes: Uint8Array;
}

/**
 * A platform's picture as it is handed on: as PNG, or as the JPEG that it is. A JPEG has lost what it has lost, and to decode it here would only
 * make it larger, by a parser of what hypervisors say. Throws a ProtocolError for what is no picture.
 */
export async function toShown(picture: Picture): Promise<Shown> {
  if (isJpeg(picture.bytes)) return { mediaType: "image/jpeg", bytes: judgedJpeg(picture.bytes) };
  return { mediaType: "image/png", bytes: await toPng(picture) };
}
