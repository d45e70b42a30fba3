import { type ChildProcess, spawn } from "node:child_process";
import type { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { LaunchError } from "./launcher.ts";

const limits = {
  /** Of what a program answers: ten thousand instances fit. */
  outputBytes: 4 * 1024 * 1024,
  /** Of what it complains: its last words are what counts. */
  complaintBytes: 16 * 1024,
  /** From the word to end until it is killed. */
  endMs: 5_000,
  lookAgainMs: 50,
  /** From its end until all that it wrote is read, unless what it left behind holds its output open. */
  outputMs: 2_000,
} as const;

/** A program of the operator's, without a shell. */
export interface Program {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Runs a program to its end and resolves to what it wrote to standard output. What it leaves running is its own affair, and
 * is not listened to. Throws a LaunchError where it fails, where it says too much, and where the signal aborts: then all
 * processes of its group have been ended.
 */
export async function runProgram(program: Program, input: string, signal: AbortSignal): Promise<string> {
  const name = `${program.file.split("/").at(-1)} ${program.args.join(" ")}`;
  if (signal.aborted) throw new LaunchError(`${name} was given up before it began`);
  const child = spawn(program.file, program.args, {
    cwd: program.cwd,
    env: program.env,
    stdio: ["pipe", "pipe", "pipe"],
    shell: false,
    // A process group of its own, so that what it has started ends with it when it is given up.
    detached: true,
  });
  const ended = endOf(child);
  const read = new Promise<void>((resolve) => child.once("close", () => resolve()));
  let given: { readonly why: string; readonly up: Promise<void> } | undefined;
  const giveUp = (why: string) => {
    given ??= { why, up: endGroup(child.pid) };
  };
  const aborted = () => giveUp("took too long, or was given up");
  signal.addEventListener("abort", aborted, { once: true });
  // A program that does not read what it is told has its reasons; how it ends counts.
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  const [output, complaint] = [
    collect(child.stdout, { bytes: limits.outputBytes, onFull: () => giveUp("says too much") }),
    collect(child.stderr, { bytes: limits.complaintBytes }),
  ];
  try {
    const failure = await ended;
    // It has done what it was asked: nothing of it is ended any more for taking too long.
    signal.removeEventListener("abort", aborted);
    if (child.pid !== undefined) await atMost(limits.outputMs, read);
    await given?.up;
    const problem = given?.why ?? failure;
    if (problem !== undefined) throw new LaunchError(`${name} ${problem}${lastLine(complaint())}`);
    return output();
  } finally {
    signal.removeEventListener("abort", aborted);
    for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
  }
}

/** Resolves to what was wrong with its end; not when its output is closed, which others may hold. */
async function endOf(child: ChildProcess): Promise<string | undefined> {
  return await new Promise((resolve) => {
    child.once("error", (error) => resolve(`cannot be run: ${error.message}`));
    child.once("exit", (status, ended) =>
      resolve(
        status === 0 ? undefined : `ended with ${status === null ? `signal ${ended}` : `status ${status}`}`,
      ),
    );
  });
}

/** Resolves when the work is done, or after so many milliseconds. */
async function atMost(milliseconds: number, work: Promise<void>): Promise<void> {
  const done = new AbortController();
  const late = delay(milliseconds, undefined, { signal: done.signal }).catch(() => {});
  await Promise.race([work, late]);
  done.abort();
}

/** Keeps the last bytes, or, with `onFull`, the first ones. */
function collect(
  stream: Readable,
  { bytes, onFull }: { readonly bytes: number; readonly onFull?: () => void },
): () => string {
  let kept = Buffer.alloc(0);
  stream.on("data", (chunk: Buffer) => {
    const whole = Buffer.concat([kept, chunk]);
    if (whole.length > bytes) onFull?.();
    kept = onFull === undefined ? whole.subarray(-bytes) : whole.subarray(0, bytes);
  });
  return () => kept.toString("utf8");
}

function lastLine(complaint: string): string {
  const line = complaint.trim().split("\n").at(-1) ?? "";
  return line === "" ? "" : `: ${line.replace(/[^\x20-\x7e\u00a0-\uffff]/g, " ")}`;
}

/** Resolves when all of it has ended, or was killed: a number of a group that has ended may be another's later. */
async function endGroup(pid: number | undefined): Promise<void> {
  if (pid === undefined) return;
  const deadline = performance.now() + limits.endMs;
  for (let isThere = signalGroup(pid, "SIGTERM"); isThere; isThere = signalGroup(pid, 0)) {
    if (performance.now() > deadline) return void signalGroup(pid, "SIGKILL");
    await delay(limits.lookAgainMs);
  }
}

/** Whether there was anybody to be told. */
function signalGroup(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-pid, signal);
  } catch {
    return false;
  }
}
