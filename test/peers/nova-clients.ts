import { startProcess } from "../harness/process.ts";
import { lacking } from "../harness/requirements.ts";

/** For `test(…, { skip })`. */
export const lackingNovaClients = lacking(
  "python3-openstackclient",
  "python3-novaclient",
  "python3-openstacksdk",
);

export interface Outcome {
  readonly status: unknown;
  readonly stdout: string;
  /** What the client printed, where that is JSON. */
  readonly json: unknown;
  readonly stderr: string;
}

/** Debian's `openstack`. What it is to print as JSON, `args` say. */
export async function runOpenStack(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Outcome> {
  return await run("/usr/bin/openstack", args, environment);
}

/** Debian's `nova`. */
export async function runNova(args: readonly string[]): Promise<Outcome> {
  return await run("/usr/bin/nova", args, {});
}

/** Python that prints `answer` as JSON, by Debian's own interpreter, whatever comes first in PATH. */
export async function runPython(
  lines: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<Outcome> {
  const program = ["import json, os", ...lines, "print(json.dumps(answer))"].join("\n");
  return await run("/usr/bin/python3", ["-c", program], environment);
}

async function run(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Outcome> {
  // Nothing of this machine's own: neither a configuration file nor a proxy.
  const bare = { HOME: "/nonexistent", PATH: "/usr/bin:/bin", LANG: "C.UTF-8" };
  await using child = await startProcess(program, args, { env: { ...bare, ...env } });
  const status = await child.exited;
  const stdout = child.stdout.text;
  return { status, stdout, json: parse(stdout), stderr: child.stderr.text };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
