import { useLayoutEffect, useRef } from "preact/hooks";
import type { Scale } from "./screen.ts";

interface PlaceProps {
  readonly class: string;
  readonly children: HTMLElement;
  readonly scale?: Scale | undefined;
  /** What it is to be called, where it is a picture. */
  readonly label?: string;
}

/**
 * A place in the page for an element that is not Preact's: noVNC's, or a canvas of our own. It is put there once,
 * because an element that is moved loses the keyboard.
 */
export function Place({ class: name, children, scale, label }: PlaceProps) {
  const place = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => place.current?.replaceChildren(children), [children]);

  if (label === undefined) return <div ref={place} class={name} />;
  return <div ref={place} class={name} data-scale={scale} role="img" aria-label={label} />;
}
