import { readFileSync } from "node:fs";

let known: string | undefined;

/** The product's own version, from package.json. */
export function productVersion(): string {
  known ??= readVersion();
  return known;
}

function readVersion(): string {
  const file = new URL("../../../package.json", import.meta.url);
  const manifest: { readonly version?: unknown } = JSON.parse(readFileSync(file, "utf8"));
  return String(manifest.version);
}
