import type { Stroke } from "./us-layout.ts";

export const typingLimits = {
  /** More than anybody types at a console; a file has better ways. */
  characters: 20_000,
  /** Between two keys. A PS/2 keyboard's queue holds 16 of them, and a guest that boots empties it slowly. */
  keyMs: 20,
  /** After Enter, where a shell or a form starts to work. */
  lineMs: 120,
} as const;

/** How far it has come. */
export interface TypingProgress {
  readonly typed: number;
  readonly total: number;
  readonly cancel: () => void;
}

interface TypingOptions {
  readonly press: (stroke: Stroke) => void;
  /** Resolves after so many milliseconds, or at once when cancelled. */
  readonly wait: (ms: number) => Promise<void>;
  readonly onProgress: (typed: number) => void;
  readonly signal: AbortSignal;
}

/** Types one key after the other, at a pace that a guest can follow. Resolves to how many were typed. */
export async function typeStrokes(strokes: readonly Stroke[], options: TypingOptions): Promise<number> {
  const { press, wait, onProgress, signal } = options;
  let typed = 0;
  for (const stroke of strokes) {
    if (signal.aborted) break;
    press(stroke);
    onProgress(++typed);
    await wait(stroke.code === "Enter" ? typingLimits.lineMs : typingLimits.keyMs);
  }
  return typed;
}

/** A timer that an abort cuts short. */
export function waitOrAbort(signal: AbortSignal): (ms: number) => Promise<void> {
  return async (ms) => {
    if (signal.aborted) return;
    await new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal.addEventListener("abort", done);
    });
  };
}
