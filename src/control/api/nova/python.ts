/** A value as Python writes it down: Nova's messages quote what was sent so, and clients show them as they are. */
export function pythonOf(value: unknown): string {
  const text = written(value, 0);
  return text.length <= limits.characters ? text : `${text.slice(0, limits.characters)}…`;
}

const limits = {
  /** Of a value that is quoted; longer ones are cut. */
  characters: 300,
  /** How far into a value is looked at all. */
  depth: 8,
} as const;

function written(value: unknown, depth: number): string {
  if (value === undefined || value === null) return "None";
  if (value === true) return "True";
  if (value === false) return "False";
  if (typeof value === "string") return quoted(value);
  if (typeof value !== "object") return String(value);
  if (depth >= limits.depth) return "…";
  if (Array.isArray(value)) return `[${value.map((item) => written(item, depth + 1)).join(", ")}]`;
  const members = Object.entries(value).map(([name, item]) => `${quoted(name)}: ${written(item, depth + 1)}`);
  return `{${members.join(", ")}}`;
}

function quoted(text: string): string {
  const cut = text.slice(0, limits.characters).toWellFormed();
  const escaped = cut.replace(/[\\\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) =>
    character === "\\" ? "\\\\" : `\\u{${character.codePointAt(0)?.toString(16)}}`,
  );
  return escaped.includes("'") && !escaped.includes('"')
    ? `"${escaped}"`
    : `'${escaped.replaceAll("'", "\\'")}'`;
}
