import type { Area } from "#protocols/rfb/messages.ts";
import type { Canvas } from "./canvas.ts";
import type { Scene } from "./scene.ts";
import type { Scroll } from "./terminal-view.ts";
import { Tiles } from "./tiles.ts";

/** What became different from one picture to the next. */
export interface Change {
  /** What can be had by moving up what is there, before anything else is painted. */
  readonly scroll?: Scroll;
  /** What differs after that. */
  readonly tiles: Tiles;
}

/** What viewers are shown of a scene. Painting often paints the same again; a picture tells what really changed. */
export class Picture {
  readonly canvas: Canvas;
  readonly #scene: Scene;

  constructor(scene: Scene) {
    scene.repaint();
    this.#scene = scene;
    this.canvas = scene.canvas.take(scene.canvas.area);
  }

  /** Brings the picture up to date with the scene. */
  update(): Change | undefined {
    const { areas, scroll } = this.#scene.repaint();
    if (scroll === undefined) {
      const tiles = this.#takeOver(areas);
      return tiles.isEmpty ? undefined : { tiles };
    }
    this.canvas.scrollUp(scroll.area, scroll.up);
    return { tiles: this.#takeOver([...areas, scroll.area]), scroll };
  }

  #takeOver(areas: readonly Area[]): Tiles {
    const { canvas } = this.#scene;
    const painted = new Tiles(canvas.width, canvas.height);
    for (const area of areas) painted.add(area);
    const changed = new Tiles(canvas.width, canvas.height);
    for (const tile of painted) {
      if (canvas.equals(this.canvas, tile)) continue;
      this.canvas.copyFrom(canvas, tile);
      changed.add(tile);
    }
    return changed;
  }
}
