const limits = {
  /** Of a side; QEMU's largest screen has less. */
  side: 16_384,
  /** Of a screen, as of 8192 × 8192: whoever shows it holds four bytes for each, however few it came in. */
  pixels: 64 * 1024 * 1024,
} as const;

/** Whether a screen may be as large as that. */
export function isSound(width: number, height: number): boolean {
  const { side, pixels } = limits;
  return width > 0 && height > 0 && width <= side && height <= side && width * height <= pixels;
}
