import type { Scale } from "./screen.ts";
import { words } from "./words.ts";

/** The picture as it was when the console ended, dimmed, in the place where it was. */
export function LastFrame({ frame, scale }: { readonly frame: HTMLCanvasElement; readonly scale: Scale }) {
  return (
    <div
      class="last-frame"
      data-scale={scale}
      role="img"
      aria-label={words.value.lastPicture}
      ref={(element) => element?.replaceChildren(frame)}
    />
  );
}
