import type { Area } from "#protocols/rfb/messages.ts";
import type { Canvas } from "./canvas.ts";
import { PALETTE } from "./design.ts";

const REACH = 11;

interface Place {
  readonly x: number;
  readonly y: number;
  readonly pressed: boolean;
}

/**
 * The mark that shows where the machine believes the pointer to be: a ring around the very pixel, filled while a
 * button is held. It lies on the picture and is lifted off while that is painted.
 */
export class Pointer {
  #place: Place | undefined;
  #lying: { readonly area: Area; readonly under: Canvas } | undefined;

  moveTo(place: Place): void {
    this.#place = place;
  }

  /** Puts back what is under the mark. */
  lift(canvas: Canvas): Area | undefined {
    if (this.#lying === undefined) return undefined;
    const { area, under } = this.#lying;
    canvas.put(under, area);
    this.#lying = undefined;
    return area;
  }

  /** Lays the mark on the picture. */
  lay(canvas: Canvas): Area | undefined {
    if (this.#place === undefined) return undefined;
    const { x, y, pressed } = this.#place;
    const area = canvas.clip({ x: x - REACH, y: y - REACH, width: 2 * REACH + 1, height: 2 * REACH + 1 });
    this.#lying = { area, under: canvas.take(area) };
    for (let row = -REACH; row <= REACH; row++) {
      for (let column = -REACH; column <= REACH; column++) {
        const distance = Math.hypot(column, row);
        canvas.blend(x + column, y + row, PALETTE.panel, 0.55 * cover(distance - 8, 2.2));
        if (pressed) canvas.blend(x + column, y + row, PALETTE.accent, distance < 8 ? 0.6 : 0);
        canvas.blend(x + column, y + row, PALETTE.text, cover(distance - 8, 0.9));
        canvas.blend(x + column, y + row, PALETTE.text, cover(distance, 1.2));
      }
    }
    return area;
  }
}

/** How much of a pixel a line covers whose middle is that far away. */
function cover(distance: number, halfWidth: number): number {
  return Math.max(0, Math.min(1, halfWidth - Math.abs(distance) + 0.5));
}
