import type { Page } from "playwright-core";

/** What a console shows, one number a pixel, as the machine sent it: before the page scales it. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly pixels: Uint32Array;
}

/** Reads the canvas on which noVNC draws; ours and Debian's stock one do it alike. */
export async function consolePicture(page: Page): Promise<Picture> {
  const { width, height, base64 } = await page.evaluate<{
    width: number;
    height: number;
    base64: string;
  }>(`(() => {
    const canvas = document.querySelector("canvas");
    const { width, height } = canvas;
    if (width * height === 0) return { width, height, base64: "" };
    const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
    return { width, height, base64: new Uint8Array(data.buffer).toBase64() };
  })()`);
  const bytes = Uint8Array.from(Buffer.from(base64, "base64"));
  return { width, height, pixels: new Uint32Array(bytes.buffer) };
}

/** How many pixels differ. Pictures of different sizes differ everywhere. */
export function differingPixels(a: Picture, b: Picture): number {
  if (a.width !== b.width || a.height !== b.height) return Math.max(a.pixels.length, b.pixels.length);
  return a.pixels.reduce((count, pixel, index) => count + Number(pixel !== b.pixels[index]), 0);
}

/** How many colours there are; a picture that was never drawn has one. */
export function colours({ pixels }: Picture): number {
  return new Set(pixels).size;
}
