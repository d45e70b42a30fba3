/** Writes the documents that are made from the sources: npx -c 'node test/docs/write.ts' */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { DOCUMENTS } from "./documents.ts";

for (const [path, make] of Object.entries(DOCUMENTS)) {
  const file = resolve(import.meta.dirname, "../..", path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, make());
}
