import type { Ref } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

/** Rows that are laid out at once: some screens full. A browser takes its time for a table of thousands. */
const STEP = 150;
/** How far below the screen's end more are added, so that nobody sees the end of them. */
const AHEAD = "1500px";

interface GrowingList<Row> {
  readonly visible: readonly Row[];
  /** Stands behind the last row. */
  readonly end: Ref<HTMLDivElement>;
  /** All of them, with the next rendering. */
  readonly showAll: () => void;
}

/**
 * The beginning of a list, which grows while somebody scrolls along it. It begins anew when `view` changes (what
 * is sorted and filtered by), and not when the rows are merely brought up to date.
 */
export function useGrowingList<Row>(rows: readonly Row[], view: string): GrowingList<Row> {
  const [shown, setShown] = useState({ view, count: STEP });
  const end = useRef<HTMLDivElement>(null);
  const count = shown.view === view ? shown.count : STEP;
  const more = count < rows.length;

  useEffect(() => {
    if (end.current === null || !more) return;
    const observer = new IntersectionObserver(
      ([entry]) => {
        if (entry?.isIntersecting) setShown({ view, count: count + STEP });
      },
      { rootMargin: AHEAD },
    );
    observer.observe(end.current);
    return () => observer.disconnect();
  }, [view, count, more]);

  return {
    visible: more ? rows.slice(0, count) : rows,
    end,
    showAll: () => setShown({ view, count: Number.POSITIVE_INFINITY }),
  };
}
