import { readFileSync } from "node:fs";
import { join } from "node:path";

/** One place where a file names another module. */
export interface Import {
  readonly specifier: string;
  /** A URL beside the file: what is started or read, not loaded. */
  readonly isUrl: boolean;
  readonly line: number;
}

/**
 * Every way in which TypeScript names a module: import and export … from, import for effect, import() of values
 * and of types, and URLs and resolutions relative to the file. Type-only imports count: a boundary that only
 * types cross is still crossed. Comments count too, which costs nothing and leaves no gap.
 */
const NAMED =
  /(?:\bfrom|\bimport|\bimport\s*\(|\brequire\s*\(|\b(new\s+URL|import\.meta\.resolve)\s*\()\s*(["'`])([^"'`\n]+)\2/g;

export function importsOf(root: string, file: string): Import[] {
  const source = readFileSync(join(root, file), "utf8");
  return [...source.matchAll(NAMED)].map((match) => ({
    specifier: match[3] ?? "",
    isUrl: match[1] !== undefined,
    line: source.slice(0, match.index).split("\n").length,
  }));
}
