import { type ChildProcess, spawn } from "node:child_process";
import type { Readable } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { ByteQueue } from "../byte-queue.ts";

const limits = {
  /** Of what a program answers, where nothing else is said: ten thousand instances fit. */
  outputBytes: 4 * 1024 * 1024,
  /** Of what it complains: its last words are what counts. */
  complaintBytes: 16 * 1024,
  /** From the word to end until it is killed. */
  endMs: 5_000,
  lookAgainMs: 50,
  /** From its end until all that it wrote is read, unless what it left behind holds its output open. */
  outputMs: 2_000,
} as const;

/** The program takes the shell's place, and none of its words is read by it. */
const WITHOUT_CORE_FILES = 'ulimit -c 0; exec "$0" "$@"';

/** A program of the operator's. */
export interface Program {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly outputBytes?: number;
  /** Whether what it leaves running in its group is ended with it; by default that is its own affair, and not listened to. */
  readonly leavesNothing?: boolean;
}

/** A program that could not be run, failed, said too much, or was given up. */
export class ProgramError extends Error {
  override readonly name = "ProgramError";
}

/**
 * Runs a program to its end and resolves to what it wrote to standard output, and the end of what it wrote to standard error.
 * Throws a ProgramError where it fails, where it says too much, and where the signal aborts: then all processes of its group
 * have been ended. It leaves no core file, in which secrets would be.
 */
export async function runProgram(
  program: Program,
  input: string,
  signal: AbortSignal,
): Promise<{ readonly output: Uint8Array; readonly complaint: string }> {
  const name = `${program.file.split("/").at(-1)} ${program.args.join(" ")}`;
  if (signal.aborted) throw new ProgramError(`${name} was given up before it began`);
  const child = spawn("/bin/sh", ["-c", WITHOUT_CORE_FILES, program.file, ...program.args], {
    cwd: program.cwd,
    env: program.env,
    stdio: ["pipe", "pipe", "pipe"],
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
    collect(child.stdout, program.outputBytes ?? limits.outputBytes, () => giveUp("says too much")),
    collectLast(child.stderr, limits.complaintBytes),
  ];
  try {
    const failure = await ended;
    // It has done what it was asked: nothing of it is ended any more for taking too long.
    signal.removeEventListener("abort", aborted);
    if (program.leavesNothing === true) signalGroup(child.pid, "SIGKILL");
    if (child.pid !== undefined) await atMost(limits.outputMs, read);
    await given?.up;
    const problem = given?.why ?? failure;
    if (problem !== undefined) throw new ProgramError(`${name} ${problem}${lastLine(complaint())}`);
    return { output: output(), complaint: complaint() };
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

/** The first bytes. */
function collect(stream: Readable, bytes: number, onFull: () => void): () => Uint8Array {
  const kept = new ByteQueue();
  stream.on("data", (chunk: Buffer) => {
    if (kept.length + chunk.length <= bytes) kept.push(chunk);
    else onFull();
  });
  return () => kept.peek(kept.length);
}

function collectLast(stream: Readable, bytes: number): () => string {
  let kept = Buffer.alloc(0);
  stream.on("data", (chunk: Buffer) => {
    kept = Buffer.concat([kept, chunk]).subarray(-bytes);
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
function signalGroup(pid: number | undefined, signal: NodeJS.Signals | 0): boolean {
  if (pid === undefined) return false;
  try {
    return process.kill(-pid, signal);
  } catch {
    return false;
  }
}
