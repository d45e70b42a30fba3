import type { RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";

/**
 * For a place whose contents change with a press of something in it. What was pressed is gone then, and with it the keyboard: the
 * first button of what came gets it. Where the keyboard is elsewhere it stays there.
 */
export function useKeyboardKept<Place extends HTMLElement>(contents: unknown): RefObject<Place | null> {
  const place = useRef<Place>(null);
  useEffect(() => {
    if (document.activeElement === document.body) place.current?.querySelector("button")?.focus();
  }, [contents]);
  return place;
}
