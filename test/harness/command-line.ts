import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Control, type Node, startControl, startNode } from "./porthole.ts";
import { startProcess } from "./process.ts";
import { scratch } from "./scratch.ts";

const MAIN = fileURLToPath(new URL("../../src/main.ts", import.meta.url));

/** How a program that ended by itself ended, and what it said. */
export interface Ran {
  readonly status: number | NodeJS.Signals;
  readonly out: string;
  readonly err: string;
}

interface RunOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly input?: string;
  readonly cwd?: string;
}

/** The command line as a person runs it, with a control and a node of its own. */
export interface CommandLine extends AsyncDisposable {
  readonly control: Control;
  readonly node: Node;
  /** An empty directory, which commands run in. */
  readonly folder: string;
  /** The configuration file that commands read if nothing else is said. */
  readonly config: string;
  porthole(args: readonly string[], options?: RunOptions): Promise<Ran>;
  /** Adds `--json`, expects success, and answers the one JSON value. */
  json<Value>(...args: readonly string[]): Promise<Value>;
}

export async function startCommandLine(
  options: { readonly controlArgs?: readonly string[] } = {},
): Promise<CommandLine> {
  await using opened = new AsyncDisposableStack();
  const control = opened.use(await startControl({ args: options.controlArgs ?? [] }));
  const node = opened.use(await startNode(control));
  const { path: folder } = opened.use(scratch());
  const config = join(folder, "cli.toml");
  const { control: url, apiKey, secretKey } = control;
  writeFileSync(config, `url = "${url}"\napi-key = "${apiKey}"\nsecret-key = "${secretKey}"\n`, {
    mode: 0o600,
  });
  // The environment of whoever runs the tests is kept out.
  const clean = { PORTHOLE_URL: "", PORTHOLE_API_KEY: "", PORTHOLE_SECRET_KEY: "", PORTHOLE_CONFIG: config };
  const porthole = async (args: readonly string[], { env = {}, ...options }: RunOptions = {}) =>
    await run([MAIN, ...args], { cwd: folder, ...options, env: { ...clean, ...env } });
  const owned = opened.move();

  return {
    control,
    node,
    folder,
    config,
    porthole,
    async json(...args) {
      const { status, out, err } = await porthole([...args, "--json"]);
      assert.equal(status, 0, err);
      assert.equal(out.trim().split("\n").length, 1, "exactly one line");
      return JSON.parse(out);
    },
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}

/** Runs a script with this Node until it ends. */
export async function run(
  args: readonly string[],
  { env = {}, input = "", cwd }: RunOptions = {},
): Promise<Ran> {
  await using child = await startProcess(process.execPath, args, {
    env,
    ...(cwd === undefined ? {} : { cwd }),
  });
  child.stdin.end(input);
  const status = await child.exited;
  return { status, out: child.stdout.text, err: child.stderr.text };
}
