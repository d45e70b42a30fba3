interface Title {
  readonly machine: string | undefined;
  /** Why the console is over; absent while it is not. */
  readonly meaning: string | undefined;
  /** What a window is called that knows neither. */
  readonly untitled: string;
}

/** What tells this window from others: of a tab only the beginning is seen, and a screen reader says it first. */
export function windowTitle({ machine, meaning, untitled }: Title): string {
  if (meaning === undefined) return machine ?? untitled;
  const headline = meaning.replace(/\.$/, "");
  return machine === undefined ? `${headline} · ${untitled}` : `${machine} · ${headline}`;
}
