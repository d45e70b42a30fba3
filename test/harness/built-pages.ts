import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync } from "node:zlib";

/** What stands in the self-check's worker, of which there is an encoded form as well. */
export const WORKER = `export const words = "${"worker ".repeat(200)}";`;

/** Makes control's pages in a folder, as the build leaves them, and something beside them that is nobody's. */
export function builtPages(folder: string): string {
  mkdirSync(join(folder, "assets"));
  writeFileSync(join(folder, "index.html"), "<!doctype html><title>Operator</title>");
  writeFileSync(join(folder, "assets", "main-abc.js"), "export {};");
  writeFileSync(join(folder, "assets", "browser-worker-abc.js"), WORKER);
  writeFileSync(join(folder, "assets", "browser-worker-abc.js.br"), brotliCompressSync(WORKER));
  writeFileSync(join(folder, ".hidden"), "no");
  return folder;
}
