/** What was typed to get from one text to the other: so many characters taken from its end, then others added. */
export interface TextDifference {
  readonly erased: number;
  readonly added: readonly string[];
}

/**
 * A telephone's keyboard tells no keys, it rewrites the end of a field, whole words at a time. What both texts
 * begin with stayed; all behind it was erased and typed anew.
 */
export function textDifference(before: string, after: string): TextDifference {
  const old = [...before];
  const fresh = [...after];
  let same = 0;
  while (same < old.length && same < fresh.length && old[same] === fresh[same]) same++;
  return { erased: old.length - same, added: fresh.slice(same) };
}
