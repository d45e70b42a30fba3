import { readFileSync } from "node:fs";

/**
 * For `test(…, { skip: lacking("chromium") }, …)`: why this machine cannot run the test, or false when it can.
 * The names are those of Debian packages, and `guest` for the guest that QEMU boots; the set-up of `npm test`
 * writes down what it could not get.
 */
export function lacking(...names: readonly string[]): string | false {
  return names.map((name) => missing[name]).find((reason) => reason !== undefined) ?? false;
}

const missing: Readonly<Record<string, string>> = readReport();

function readReport(): Record<string, string> {
  const path = new URL("../../.cache/setup.json", import.meta.url);
  try {
    const report: { readonly missing: Record<string, string> } = JSON.parse(readFileSync(path, "utf8"));
    return report.missing;
  } catch (cause) {
    throw new Error("the set-up has not run: npx -c 'node scripts/setup.mjs test'", { cause });
  }
}
