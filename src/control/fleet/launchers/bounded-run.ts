import { spawn } from "node:child_process";
import type { Readable } from "node:stream";
import { LaunchError } from "./launcher.ts";

const limits = {
  /** Of what a program answers: ten thousand instances fit. */
  outputBytes: 4 * 1024 * 1024,
  /** Of what it complains: its last words are what counts. */
  complaintBytes: 16 * 1024,
  /** From the word to end until it is killed. */
  endMs: 5_000,
} as const;

/** A program of the operator's, without a shell. */
export interface Program {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Runs a program to its end and resolves to what it wrote to standard output. Throws a LaunchError where it fails, where
 * it says too much, and where the signal aborts: then all processes of its group are ended.
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
  const ended = new Promise<string | undefined>((resolve) => {
    child.once("error", (error) => resolve(`cannot be run: ${error.message}`));
    child.once("close", (status, ended) =>
      resolve(
        status === 0 ? undefined : `ended with ${status === null ? `signal ${ended}` : `status ${status}`}`,
      ),
    );
  });
  let why: string | undefined;
  const giveUp = (reason: string) => {
    why ??= reason;
    endGroup(child.pid);
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
    const problem = why ?? failure;
    if (problem !== undefined) throw new LaunchError(`${name} ${problem}${lastLine(complaint())}`);
    return output();
  } finally {
    signal.removeEventListener("abort", aborted);
  }
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

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  signalGroup(pid, "SIGTERM");
  setTimeout(() => signalGroup(pid, "SIGKILL"), limits.endMs).unref();
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // All of it has ended.
  }
}
