import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Scratch extends AsyncDisposable {
  readonly path: string;
}

/** A directory of the test's own, gone with it. Its path is short: UNIX sockets have names of at most 107 bytes. */
export function scratch(): Scratch {
  const path = mkdtempSync(join(tmpdir(), "ph-"));
  return {
    path,
    [Symbol.asyncDispose]: async () => rmSync(path, { recursive: true, force: true, maxRetries: 5 }),
  };
}
