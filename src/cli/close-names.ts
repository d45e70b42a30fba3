const limits = {
  /** More than these are no hint any more. */
  names: 3,
  /** Letters that are wrong, missing or too many, for each that is there: two of five. */
  wrongLetters: 0.4,
} as const;

/** The names that somebody may have meant: spelt nearly so, or with all of the words that were said. The nearest first. */
export function closeNames(said: string, names: readonly string[]): readonly string[] {
  const text = said.toLowerCase();
  return names
    .map((name) => ({ name, distance: distanceOf(text, name), hasWords: wordsOf(text).every(isIn(name)) }))
    .filter(
      ({ name, distance, hasWords }) =>
        hasWords || distance <= limits.wrongLetters * Math.max(text.length, name.length),
    )
    .sort((a, b) => a.distance - b.distance)
    .slice(0, limits.names)
    .map(({ name }) => name);
}

function wordsOf(text: string): readonly string[] {
  const words = text.split(/[^a-z0-9]+/).filter((word) => word !== "");
  // Without a word everything would have all of them.
  return words.length === 0 ? [text] : words;
}

function isIn(name: string): (word: string) => boolean {
  return (word) => name.toLowerCase().includes(word);
}

/** How many letters must be put in, taken out or changed to make the one of the other (Levenshtein). */
function distanceOf(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let line = 1; line <= a.length; line++) {
    const next = [line];
    for (let column = 1; column <= b.length; column++) {
      const changed = (row[column - 1] ?? 0) + (a[line - 1] === b[column - 1] ? 0 : 1);
      next.push(Math.min(changed, (row[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
