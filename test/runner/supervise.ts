import { type ChildProcess, fork, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { workerEnvironment } from "./environment.ts";
import type { TestEnded, WorkerMessage } from "./events.ts";

export interface Limits {
  /** For one test. */
  readonly testMs: number;
  /** For a worker with all its files: what loops for ever cannot be ended by a timer of its own. */
  readonly workerMs: number;
}

/** What became of the tests of one worker, or of one command, and what they printed. */
export interface Result {
  readonly tests: readonly TestEnded[];
  readonly output: string;
}

const limits = {
  keptOutputCharacters: 200_000,
  /** From the end of a process, and of all that it left behind, to the end of what they printed. */
  drainMs: 1000,
} as const;

const workerPath = fileURLToPath(new URL("worker.ts", import.meta.url));

/**
 * Each worker leads a process group of its own, so that nothing that its tests started outlives it: neither
 * when it ends, nor when it has to be ended, nor when this process is.
 */
const groups = new Set<number>();
process.on("exit", () => {
  for (const group of groups) killGroup(group);
});

/**
 * Runs test files together in one process. A worker that crashes, hangs, or holds no test counts as a failed
 * test, beside those that it still reported.
 */
export async function runFiles(files: readonly string[], { testMs, workerMs }: Limits): Promise<Result> {
  const tests: TestEnded[] = [];
  let last = { name: "loading the files", file: "" };
  let done = false;
  const child = fork(workerPath, [`${testMs}`, ...files], {
    detached: true,
    execArgv: [],
    serialization: "advanced",
    env: workerEnvironment(),
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  child.on("message", (message: WorkerMessage) => {
    if (message.type === "ended") tests.push(message);
    if (message.type === "started") last = message;
    if (message.type === "done") done = true;
  });
  const { output, ending } = await finish(child, workerMs);

  if (!done) tests.push(cutOff(files, { tests, last, ending }));
  const empty = files.filter((file) => done && !tests.some((test) => test.file === file));
  tests.push(...empty.map((file) => failure(file, "the whole file", "it holds no test")));
  return { tests, output };
}

interface Cut {
  readonly tests: readonly TestEnded[];
  /** Which test had begun. */
  readonly last: { readonly file: string; readonly name: string };
  readonly ending: string;
}

/** What is said of a worker that ended before its tests: in which of its files, and of which others nothing was heard. */
function cutOff(files: readonly string[], { tests, last, ending }: Cut): TestEnded {
  const [first = ""] = files;
  const place = files.length === 1 ? first : `${files.length} files from ${first}`;
  const file = last.file === "" ? place : last.file;
  const unheard = files.filter((each) => each !== file && !tests.some((test) => test.file === each));
  const text = [`${ending}, in: ${last.name}`, ...unheard.map((each) => `not run: ${each}`)];
  return failure(file, "the whole file", text.join("\n"));
}

/** Runs one of package.json's scripts as a test. */
export async function runScript(name: string, { workerMs }: Limits): Promise<Result> {
  const startedAt = performance.now();
  const child = spawn("npm", ["run", "--silent", name], {
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  const { output, ending } = await finish(child, workerMs);
  const durationMs = performance.now() - startedAt;
  const file = `npm run ${name}`;
  if (ending === "ended with 0")
    return { tests: [{ ...failure(file, name, ""), outcome: "passed", durationMs }], output };
  return { tests: [{ ...failure(file, name, ending), durationMs }], output };
}

function failure(file: string, name: string, text: string): TestEnded {
  return { type: "ended", file, name, outcome: "failed", durationMs: 0, text };
}

/** Waits for the end of a process, for as long as it may take, and then for that of its whole group. */
async function finish(
  child: ChildProcess,
  limitMs: number,
): Promise<{ readonly output: string; readonly ending: string }> {
  const { pid } = child;
  if (pid === undefined)
    return { output: "", ending: `could not be started: ${(await once(child, "error"))[0]}` };
  groups.add(pid);
  const closed = once(child, "close");
  const text = [collect(child.stdout), collect(child.stderr)];
  let overdue = false;
  const limit = setTimeout(() => {
    overdue = true;
    killGroup(pid);
  }, limitMs);

  const [status, signal] = await once(child, "exit");
  clearTimeout(limit);
  killGroup(pid);
  groups.delete(pid);
  // Whoever left the group may hold the pipes for ever.
  await Promise.race([closed, delay(limits.drainMs, undefined, { ref: false })]);
  child.stdout?.destroy();
  child.stderr?.destroy();
  const ending = overdue ? `did not end within ${limitMs / 1000} s` : `ended with ${status ?? signal}`;
  return { output: text.map((read) => read()).join(""), ending };
}

function collect(stream: Readable | null): () => string {
  let text = "";
  stream?.setEncoding("utf8").on("data", (chunk: string) => {
    text = (text + chunk).slice(-limits.keptOutputCharacters);
  });
  return () => text;
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // Nobody is left in it.
  }
}
