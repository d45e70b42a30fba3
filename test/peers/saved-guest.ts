import assert from "node:assert/strict";
import { createHash, randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "../harness/eventually.ts";
import type { Qemu } from "./qemu.ts";

const PROGRAM = "/usr/bin/qemu-system-x86_64";

type Qmp = Qemu<string>["qmp"];

/** What a guest had said on its lines when it was saved. */
export interface Said {
  readonly serial: string;
  readonly pointer: string;
}

/**
 * A guest that has booted, for others to go on from: that takes a tenth of what it takes to boot. `folder` is where what it boots is, and
 * `args` what its machine is made of: another machine, another guest or another QEMU goes on from nothing that was saved.
 */
export function savedGuest(folder: string, args: readonly string[]): SavedGuest {
  const { size, mtimeMs } = statSync(PROGRAM);
  const stamp = readFileSync(join(folder, "stamp"), "utf8");
  const key = createHash("sha256")
    .update(JSON.stringify([args, stamp, size, mtimeMs]))
    .digest("hex");
  return new SavedGuest(join(folder, `ready-${key.slice(0, 16)}`));
}

export class SavedGuest {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  get exists(): boolean {
    return existsSync(this.#path);
  }

  /** For the command line of the QEMU that is to go on from it. */
  get args(): readonly string[] {
    return ["-incoming", `exec:cat '${join(this.#path, "memory")}'`];
  }

  get said(): Said {
    return JSON.parse(readFileSync(join(this.#path, "said.json"), "utf8"));
  }

  /** Has the guest go on, in a QEMU that was started with `args`. */
  async resume(qmp: Qmp): Promise<void> {
    await eventually(async () => {
      const { status } = (await qmp("query-status")) as { readonly status: string };
      assert.equal(status, "paused");
    });
    await qmp("cont");
  }

  /** Saves this one, which goes on. Of those that do so at once one stays, whichever: they are alike. */
  async save(qmp: Qmp, said: () => Said): Promise<void> {
    const own = `${this.#path}.${randomUUID()}`;
    mkdirSync(own);
    await qmp("stop");
    await qmp("migrate", { uri: `exec:cat > '${join(own, "memory")}'` });
    await eventually(async () => {
      const { status } = (await qmp("query-migrate")) as { readonly status: string };
      assert.equal(status, "completed");
    });
    writeFileSync(join(own, "said.json"), JSON.stringify(said()));
    await qmp("cont");
    try {
      renameSync(own, this.#path);
    } catch {
      rmSync(own, { recursive: true });
    }
  }
}
