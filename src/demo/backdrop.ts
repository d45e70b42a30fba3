import { Canvas, type Colour, mix } from "./canvas.ts";
import { LAYOUT, PALETTE } from "./design.ts";

/** Ordered dithering (a Bayer matrix): without it, a slow gradient of 24-bit colours shows its steps. */
const DITHER = [0, 8, 2, 10, 12, 4, 14, 6, 3, 11, 1, 9, 15, 7, 13, 5].map((step) => step / 16 - 0.5);

/** What never changes: the water behind everything, the ring of the porthole, the panel of the terminal. */
export function paintBackdrop(): Canvas {
  const canvas = new Canvas(LAYOUT.width, LAYOUT.height);
  paintWater(canvas);
  paintShadow(canvas);
  paintRing(canvas);
  paintPanel(canvas);
  canvas.text(LAYOUT.title.text, { ...LAYOUT.title, colour: PALETTE.text });
  canvas.text(LAYOUT.subtitle.text, { ...LAYOUT.subtitle, colour: PALETTE.muted });
  canvas.text(LAYOUT.hint.text, { ...LAYOUT.hint, colour: PALETTE.accent });
  return canvas;
}

/** Darker with depth, and lit around the porthole. */
function paintWater(canvas: Canvas): void {
  const { x: centreX, y: centreY } = LAYOUT.porthole;
  const lightAcross = Float64Array.from({ length: canvas.width }, (_, x) =>
    Math.exp(-(((x - centreX) / 420) ** 2)),
  );
  for (let y = 0; y < canvas.height; y++) {
    const lightDown = 0.5 * Math.exp(-(((y - centreY) / 300) ** 2));
    const [red, green, blue] = [waterAt(y, 16), waterAt(y, 8), waterAt(y, 0)];
    for (let x = 0; x < canvas.width; x++) {
      const light = lightDown * (lightAcross[x] ?? 0);
      const dither = DITHER[(y & 3) * 4 + (x & 3)] ?? 0;
      canvas.pixels[y * canvas.width + x] =
        (byte(red.dark + red.gain * light + dither) << 16) |
        (byte(green.dark + green.gain * light + dither) << 8) |
        byte(blue.dark + blue.gain * light + dither);
    }
  }
}

/** One channel of the water in a row: without light, and how much it gains in full light. */
function waterAt(y: number, shift: number): { readonly dark: number; readonly gain: number } {
  const surface = (PALETTE.waterSurface >> shift) & 0xff;
  const deep = (PALETTE.waterDeep >> shift) & 0xff;
  const dark = surface + ((deep - surface) * y) / LAYOUT.height;
  return { dark, gain: ((PALETTE.waterLit >> shift) & 0xff) - dark };
}

function byte(value: number): number {
  return Math.max(0, Math.min(255, Math.round(value)));
}

/** The ring stands a little out of the wall. */
function paintShadow(canvas: Canvas): void {
  const { x, y, ringRadius } = LAYOUT.porthole;
  forEachPixel(x + 3, y + 8, ringRadius + 24, (column, row, distance) => {
    const depth = Math.max(0, Math.min(1, (ringRadius + 20 - distance) / 28));
    canvas.blend(column, row, 0x000a14, 0.5 * depth ** 2);
  });
}

function paintRing(canvas: Canvas): void {
  const { x, y, radius, ringRadius } = LAYOUT.porthole;
  forEachPixel(x, y, ringRadius + 1, (column, row, distance, angle) => {
    if (distance < radius - 1) return;
    // Light falls from the top left: the outer slope faces it there, the inner slope on the other side.
    const across = (distance - radius) / (ringRadius - radius);
    const slope = Math.cos(across * Math.PI);
    const lit = 0.5 - 0.42 * slope * Math.cos(angle + (Math.PI * 3) / 4);
    const metal = between(PALETTE.ringDark, PALETTE.ringLight, lit);
    canvas.blend(column, row, metal, ringRadius - distance + 0.5);
  });
  for (let bolt = 0; bolt < 8; bolt++) {
    const angle = ((bolt + 0.5) / 8) * 2 * Math.PI;
    const middle = (radius + ringRadius) / 2;
    paintBolt(canvas, x + middle * Math.cos(angle), y + middle * Math.sin(angle));
  }
}

function paintBolt(canvas: Canvas, x: number, y: number): void {
  const radius = 4.2;
  forEachPixel(x, y, radius + 2, (column, row, distance, angle) => {
    canvas.blend(column, row, PALETTE.ringDark, Math.min(0.7, radius + 1.2 - distance));
    const lit = 0.5 + (0.45 * Math.cos(angle + (Math.PI * 3) / 4) * distance) / radius;
    canvas.blend(column, row, between(PALETTE.ringDark, PALETTE.ringLight, lit), radius - distance + 0.5);
  });
}

function paintPanel(canvas: Canvas): void {
  const { x, y, width, height } = LAYOUT.panel;
  const corner = 8;
  for (let row = y; row < y + height; row++) {
    for (let column = x; column < x + width; column++) {
      const dx = Math.max(x + corner - column, column - (x + width - 1 - corner), 0);
      const dy = Math.max(y + corner - row, row - (y + height - 1 - corner), 0);
      const edge = corner - Math.hypot(dx, dy);
      canvas.blend(column, row, PALETTE.panelLine, edge + 0.5);
      canvas.blend(column, row, PALETTE.panel, edge - 0.5);
    }
  }
}

/** Every pixel around a point: its place, its distance from the point and the direction it lies in. */
function forEachPixel(
  x: number,
  y: number,
  radius: number,
  paint: (column: number, row: number, distance: number, angle: number) => void,
): void {
  for (let row = Math.floor(y - radius); row <= y + radius; row++)
    for (let column = Math.floor(x - radius); column <= x + radius; column++)
      paint(column, row, Math.hypot(column - x, row - y), Math.atan2(row - y, column - x));
}

function between(from: Colour, to: Colour, share: number): Colour {
  return mix(from, to, Math.max(0, Math.min(1, share)));
}
