import { writeFileSync } from "node:fs";
import type { Command } from "commander";
import { CliFailure } from "../exit-status.ts";
import { action, type CliContext, type Invocation } from "../invocation.ts";
import { findMachine } from "./find-machine.ts";

interface Options {
  readonly output: string;
  readonly project?: string;
}

/** A machine's screen into a file. */
export function screenshotCommand(machine: Command, context: CliContext): void {
  machine
    .command("screenshot <machine>")
    .description("Save what a machine shows, as its hypervisor sees it")
    .requiredOption("--output <file>", "where the picture is written to: a PNG, or of XenServer a JPEG")
    .option("--project <project>", "the project to look in, where several have a machine of that name")
    .action(action(context, save));
}

async function save(invocation: Invocation, text: string, { output: file, project }: Options): Promise<void> {
  const { api, output } = invocation;
  const { id, name } = await findMachine(invocation, text, project);
  const { mediaType, bytes } = await api.bytes(["machines", id, "screenshot"]);
  try {
    // Whatever stands on somebody's screen is for the caller.
    writeFileSync(file, bytes, { mode: 0o600 });
  } catch (cause) {
    throw new CliFailure(
      "failed",
      `${file} cannot be written: ${cause instanceof Error ? cause.message : String(cause)}`,
    );
  }
  const form = mediaType === "image/jpeg" ? ", as a JPEG" : "";
  const result = { id, file, mediaType, bytes: bytes.length };
  output.result(result, `The screen of “${name}” is in ${file}${form}.`);
}
