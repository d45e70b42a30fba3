import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runProgram } from "#base/process/bounded-run.ts";
import type { Verb } from "#hypervisors/command/answers.ts";
import { scratch } from "../../test/harness/scratch.ts";

const EXAMPLE = fileURLToPath(new URL("../../examples/qemu-folder.mjs", import.meta.url));
const QEMU = ["-accel", "tcg", "-M", "pc", "-nodefaults", "-vga", "std", "-m", "16"];

/** What the example answers of a real QEMU, while it runs and when it does not any more. */
export async function recordCommand(): Promise<
  readonly { readonly verb: Verb; readonly output: Uint8Array }[]
> {
  await using folder = scratch();
  const [file, target] = [join(folder.path, "driver"), join(folder.path, "machines")];
  mkdirSync(target);
  copyFileSync(EXAMPLE, file);
  writeFileSync(join(target, "web-1.json"), JSON.stringify({ name: "büro ☃", guest: "linux", qemu: QEMU }));
  const env = { PATH: process.env["PATH"] ?? "" };
  const ask = async (verb: Verb, about: object = {}) => {
    const request = JSON.stringify({ version: 1, readOnly: false, target, ...about });
    const program = { file, args: [verb], cwd: "/", env };
    return { verb, output: (await runProgram(program, request, AbortSignal.timeout(30_000))).output };
  };
  const address = "web-1";
  const answers = [await ask("power", { address, action: "start" })];
  for (const verb of ["list", "machine", "resolve", "screenshot"] as const)
    answers.push(await ask(verb, { address }));
  answers.push(await ask("power", { address, action: "cut" }));
  for (const absent of [address, "web-2"])
    for (const verb of ["machine", "resolve"] as const) answers.push(await ask(verb, { address: absent }));
  return answers;
}
