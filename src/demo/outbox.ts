import { ENCODING } from "#protocols/rfb/encodings.ts";
import { encodeFramebufferUpdate, type Rectangle } from "#protocols/rfb/framebuffer-update.ts";
import type { Area } from "#protocols/rfb/messages.ts";
import { type PixelFormat, TRUE_COLOUR_32 } from "#protocols/rfb/pixel-format.ts";
import type { Canvas } from "./canvas.ts";
import type { Change } from "./picture.ts";
import { PixelWriter } from "./pixel-writer.ts";
import type { Scroll } from "./terminal-view.ts";
import { Tiles } from "./tiles.ts";

/** What one viewer does not have yet of the screen, and how it wants it. */
export class Outbox {
  readonly #screen: Canvas;
  readonly #missing: Tiles;
  #writer = new PixelWriter(TRUE_COLOUR_32);
  #takesCopyRect = false;
  /** To be told before anything else. INVARIANT: what it moves was all there when it was added. */
  #scroll: Scroll | undefined;

  constructor(screen: Canvas) {
    this.#screen = screen;
    this.#missing = new Tiles(screen.width, screen.height);
    this.#missing.add(screen.area);
  }

  setPixelFormat(format: PixelFormat): void {
    this.#writer = new PixelWriter(format);
  }

  setEncodings(encodings: readonly number[]): void {
    this.#takesCopyRect = encodings.includes(ENCODING.copyRect);
    if (!this.#takesCopyRect) this.#giveUpScroll();
  }

  /** The viewer has lost what it had of an area. */
  forget(area: Area): void {
    this.#giveUpScroll();
    this.#missing.add(area);
  }

  add({ scroll, tiles }: Change): void {
    if (scroll !== undefined) this.#addScroll(scroll);
    this.#missing.addAll(tiles);
  }

  /** The next FramebufferUpdate, of what touches an area; none when nothing of it is missing. */
  take(area: Area): Uint8Array | undefined {
    if (this.#scroll !== undefined && !covers(area, this.#scroll.area)) this.#giveUpScroll();
    const rectangles: Rectangle[] = this.#scroll === undefined ? [] : [copyRect(this.#scroll)];
    this.#scroll = undefined;
    for (const part of this.#missing.takeRectangles(area))
      rectangles.push({ ...part, encoding: "raw", pixels: this.#writer.write(this.#screen, part) });
    return rectangles.length === 0 ? undefined : encodeFramebufferUpdate(rectangles);
  }

  #addScroll(scroll: Scroll): void {
    this.#giveUpScroll();
    if (this.#takesCopyRect && !this.#missing.touches(scroll.area)) this.#scroll = scroll;
    else this.#missing.add(scroll.area);
  }

  #giveUpScroll(): void {
    if (this.#scroll !== undefined) this.#missing.add(this.#scroll.area);
    this.#scroll = undefined;
  }
}

function copyRect({ area: { x, y, width, height }, up }: Scroll): Rectangle {
  return { x, y, width, height: height - up, encoding: "copy-rect", from: { x, y: y + up } };
}

function covers(outer: Area, inner: Area): boolean {
  return (
    outer.x <= inner.x &&
    outer.y <= inner.y &&
    outer.x + outer.width >= inner.x + inner.width &&
    outer.y + outer.height >= inner.y + inner.height
  );
}
