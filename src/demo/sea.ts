import type { Area } from "#protocols/rfb/messages.ts";
import { type Canvas, type Colour, mix } from "./canvas.ts";
import { LAYOUT } from "./design.ts";

/** A row of waves: farther ones are higher up, paler, flatter and slower. Lengths in pixels, times in seconds. */
interface Wave {
  readonly level: number;
  readonly height: number;
  readonly length: number;
  readonly period: number;
  readonly crest: Colour;
  readonly trough: Colour;
}

const WAVES: readonly Wave[] = [
  { level: 6, height: 2.2, length: 86, period: 9, crest: 0x4ba3bd, trough: 0x1c6f92 },
  { level: 26, height: 4, length: 121, period: 7.5, crest: 0x3597b8, trough: 0x0e4f76 },
  { level: 52, height: 6, length: 173, period: 6.5, crest: 0x1a739c, trough: 0x06304e },
];
const SKY = { top: 0x175a86, low: 0xf2d9b0 } as const;
const SUN = { x: -30, y: -22, radius: 13, colour: 0xfff3d6 } as const;
const GLASS_SHADE: Colour = 0x02101c;

const { x: CENTRE_X, y: CENTRE_Y, radius: RADIUS } = LAYOUT.porthole;
const SIZE = 2 * RADIUS + 1;

/** Where the sea is on the screen. */
export const SEA_AREA: Area = { x: CENTRE_X - RADIUS, y: CENTRE_Y - RADIUS, width: SIZE, height: SIZE };

/**
 * The view out of the porthole: a calm sea in the evening. Sky and water have their colours by place and keep them;
 * only the lines between them move, so that little changes from one picture to the next.
 */
export class Sea {
  /** The whole view as it would be if there were only the sky, or only one of the waves. */
  readonly #layers: readonly Uint32Array[];

  constructor(backdrop: Canvas) {
    this.#layers = [sky, ...WAVES.map((wave) => (_: number, y: number) => water(wave, y))].map((colour) =>
      paintLayer(backdrop, colour),
    );
  }

  /** `seconds` is any time that goes on. */
  paint(canvas: Canvas, seconds: number): void {
    for (let column = 0; column < SIZE; column++) {
      const tops = WAVES.map((wave) => RADIUS + wave.level - swell(wave, column, seconds));
      for (let row = 0; row < SIZE; row++) {
        const place = row * SIZE + column;
        let colour = this.#layers[0]?.[place] ?? 0;
        for (const [index, top] of tops.entries()) {
          const covered = row - top + 0.5;
          if (covered <= 0) break;
          const wave = this.#layers[index + 1]?.[place] ?? 0;
          colour = covered < 1 ? mix(colour, wave, covered) : wave;
        }
        canvas.pixels[(SEA_AREA.y + row) * canvas.width + SEA_AREA.x + column] = colour;
      }
    }
  }
}

/** How far a wave stands above its level. */
function swell({ height, length, period }: Wave, x: number, seconds: number): number {
  const turn = 2 * Math.PI;
  const long = Math.sin(turn * (x / length + seconds / period));
  const short = Math.sin(turn * (x / (length * 0.37) - seconds / (period * 1.7)));
  return height * (0.75 * long + 0.25 * short);
}

/** One layer behind the glass, which its ring shades; around it the backdrop. */
function paintLayer(backdrop: Canvas, colour: (x: number, y: number) => Colour): Uint32Array {
  return Uint32Array.from({ length: SIZE * SIZE }, (_, place) => {
    const x = (place % SIZE) - RADIUS;
    const y = Math.floor(place / SIZE) - RADIUS;
    const distance = Math.hypot(x, y);
    const shade = Math.max(0, distance / RADIUS - 0.7) ** 2 * 6;
    const view = mix(colour(x, y), GLASS_SHADE, Math.min(0.6, shade));
    return mix(backdrop.at(CENTRE_X + x, CENTRE_Y + y), view, within(RADIUS - distance + 0.5));
  });
}

function water({ level, height, crest, trough }: Wave, y: number): Colour {
  return mix(crest, trough, within((y - level + height) / 34));
}

function sky(x: number, y: number): Colour {
  const dusk = within((y + RADIUS) / (RADIUS + 6)) ** 2;
  const distance = Math.hypot(x - SUN.x, y - SUN.y);
  const air = mix(mix(SKY.top, SKY.low, dusk), SUN.colour, Math.exp(-(distance ** 2) / 900) * 0.5);
  return mix(air, SUN.colour, within(SUN.radius - distance + 0.5));
}

function within(share: number): number {
  return Math.max(0, Math.min(1, share));
}
