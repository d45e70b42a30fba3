const SHOWN = 6;

/**
 * Characters as a sentence can name them: those that can be seen as they are, others by their code point. At most
 * six, and how many there are besides.
 */
export function namedCharacters(characters: readonly string[]): {
  readonly shown: string;
  readonly more: number;
} {
  const shown = characters.slice(0, SHOWN).map(named).join(" ");
  return { shown, more: Math.max(0, characters.length - SHOWN) };
}

function named(character: string): string {
  if (/^[\p{L}\p{N}\p{P}\p{S}]/u.test(character)) return `“${character}”`;
  const code = character.codePointAt(0) ?? 0;
  return `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
}
