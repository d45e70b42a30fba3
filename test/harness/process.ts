import assert from "node:assert/strict";
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable, Writable } from "node:stream";
import { eventually } from "./eventually.ts";

const limits = {
  /** What is kept of each stream; a test that searches all of it also asserts that nothing was dropped. */
  keptCharacters: 32 * 1024 * 1024,
  /** From SIGTERM to SIGKILL. */
  stopMs: 15_000,
  /** From its end to the end of what it said. */
  drainMs: 1_000,
} as const;

/** How a process ended: its status, or the signal that ended it. */
type Exit = number | NodeJS.Signals;

/** Everything a stream of a child has said so far. */
class Output {
  #text = "";
  #dropped = false;

  constructor(stream: Readable) {
    stream.setEncoding("utf8").on("data", (chunk: string) => {
      const whole = this.#text + chunk;
      this.#dropped ||= whole.length > limits.keptCharacters;
      this.#text = whole.slice(-limits.keptCharacters);
    });
  }

  get text(): string {
    return this.#text;
  }

  /** True when the child said more than is kept. */
  get dropped(): boolean {
    return this.#dropped;
  }
}

export interface Process extends AsyncDisposable {
  readonly pid: number;
  readonly stdin: Writable;
  readonly stdout: Output;
  readonly stderr: Output;
  /** Once all that it said is here. */
  readonly exited: Promise<Exit>;
  /** Sends the signal and waits for the end. A process that does not obey is killed, and that throws. */
  stop(signal?: NodeJS.Signals): Promise<Exit>;
}

/**
 * INVARIANT: no child outlives the process that runs the test, however that ends. Streams are pipes, never
 * inherited: a child that is left behind must not hold the standard output of the whole run open.
 */
const alive = new Set<ChildProcessByStdio<Writable, Readable, Readable>>();
process.on("exit", () => {
  for (const child of alive) child.kill("SIGKILL");
});

export interface ProcessOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Another user than ours, where we are root and the program will not be. */
  readonly uid?: number;
  readonly gid?: number;
}

export async function startProcess(
  program: string,
  args: readonly string[],
  { cwd, env, uid, gid }: ProcessOptions = {},
): Promise<Process> {
  const child = spawn(program, args, {
    stdio: ["pipe", "pipe", "pipe"],
    ...(cwd === undefined ? {} : { cwd }),
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
    env: { ...process.env, ...env },
  });
  alive.add(child);
  const exited = new Promise<Exit>((resolve) => {
    child.on("exit", (status, signal) => {
      alive.delete(child);
      const done = () => resolve(status ?? signal ?? 0);
      // Its last words may be on their way still, and whoever it left behind may hold the pipes open for ever.
      const drained = setTimeout(done, limits.drainMs);
      child.once("close", () => {
        clearTimeout(drained);
        done();
      });
    });
  });
  // What a dying child no longer reads is no error of the test.
  child.stdin.on("error", () => {});
  const [stdout, stderr] = [new Output(child.stdout), new Output(child.stderr)];
  await once(child, "spawn");

  const stop = async (signal: NodeJS.Signals = "SIGTERM"): Promise<Exit> => {
    if (!alive.has(child)) return await exited;
    child.kill(signal);
    const stubborn = setTimeout(() => child.kill("SIGKILL"), limits.stopMs);
    const exit = await exited;
    clearTimeout(stubborn);
    assert.ok(exit !== "SIGKILL" || signal === "SIGKILL", `${program} did not stop on ${signal}`);
    return exit;
  };
  return {
    pid: child.pid ?? 0,
    stdin: child.stdin,
    stdout,
    stderr,
    exited,
    stop,
    [Symbol.asyncDispose]: async () => {
      await stop();
    },
  };
}

/** Waits for the first whole line of standard output; a process that ends instead fails with what it said. */
export async function firstLine(
  child: Process,
  options: { readonly withinMs?: number } = {},
): Promise<string> {
  let exit: Exit | undefined;
  void child.exited.then((value) => {
    exit = value;
  });
  const line = await eventually(() => {
    const [first, ...rest] = child.stdout.text.split("\n");
    if (rest.length > 0) return first;
    assert.ok(exit !== undefined, `said no line yet; standard error:\n${child.stderr.text}`);
    return undefined;
  }, options);
  assert.ok(line !== undefined, `ended with ${exit} before it was ready:\n${child.stderr.text}`);
  return line;
}
