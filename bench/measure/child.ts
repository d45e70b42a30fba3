/** The processes that the benchmark starts, each bound to its core, and surely stopped. */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";

/**
 * `contestant` for what is measured, `generator` for what measures it, `database` for a server that a contestant uses: it
 * has all cores, as it would be on a machine of its own.
 */
type Part = "contestant" | "generator" | "database";

export interface Child extends AsyncDisposable {
  readonly pid: number;
  readonly process: ChildProcess;
  /** The first line on standard output. Fails if the process ends without one. */
  firstLine(): Promise<string>;
}

export interface ChildOptions {
  readonly command: string;
  readonly args: readonly string[];
  readonly part: Part;
  /** Opens a channel, which ends a program of ours when its parent is gone. */
  readonly channel: boolean;
  /** In addition to our own environment. */
  readonly env?: Readonly<Record<string, string>>;
}

const STOP_DEADLINE_MS = 10_000;
/** Some contestants take seconds of a core to start, which on a busy machine is a long time. */
const UNTIL_DEADLINE_MS = 60_000;
/** The end of standard error that is shown when something went wrong. */
const COMPLAINT_CHARACTERS = 4000;

/** Logs go to files, as they would in use: nobody here has to keep up with reading them. */
const logs = mkdtempSync(join(tmpdir(), "bench-logs-"));
let logCount = 0;

const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
  rmSync(logs, { recursive: true });
});
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(1));

/** Of util-linux. */
const TASKSET = "taskset";

/**
 * With two cores or more the contestant has the first and the generators the others, so that neither is
 * measured while it waits for the other's core. Where that cannot be arranged, the scheduler decides.
 */
export const pinned = availableParallelism() > 1 && spawnSync(TASKSET, ["--version"]).status === 0;

const CORES: Record<Part, string> = {
  contestant: "0",
  generator: `1-${availableParallelism() - 1}`,
  database: `0-${availableParallelism() - 1}`,
};

export function start({ command, args, part, channel, env }: ChildOptions): Child {
  const [file, argv] = pinned ? [TASKSET, ["-c", CORES[part], command, ...args]] : [command, args];
  const log = join(logs, `${logCount++}.log`);
  const logFile = openSync(log, "w");
  const child = spawn(file, argv, {
    stdio: ["ignore", "pipe", logFile, ...(channel ? (["ipc"] as const) : [])],
    env: { ...process.env, ...env },
  });
  closeSync(logFile);
  running.add(child);
  child.on("exit", () => running.delete(child));
  const firstLine = lineOf(child, (how) => `${command} ${args.join(" ")} ended early (${how})\n${tail(log)}`);
  // Whoever needs the line awaits it; a program that says nothing is no failure.
  firstLine.catch(() => {});
  return {
    process: child,
    get pid() {
      if (child.pid === undefined) throw new Error(`${command} could not be started`);
      return child.pid;
    },
    firstLine: () => firstLine,
    [Symbol.asyncDispose]: () => stop(child),
  };
}

function lineOf(child: ChildProcess, complaint: (how: string) => string): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = "";
    child.stdout?.setEncoding("utf8").on("data", (piece: string) => {
      text += piece;
      const end = text.indexOf("\n");
      if (end !== -1) resolve(text.slice(0, end));
    });
    child.on("error", reject);
    child.on("close", (status, signal) => reject(new Error(complaint(`${signal ?? status}`))));
  });
}

function tail(log: string): string {
  return readFileSync(log, "utf8").slice(-COMPLAINT_CHARACTERS);
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, "exit");
  child.kill("SIGTERM");
  const deadline = setTimeout(() => child.kill("SIGKILL"), STOP_DEADLINE_MS);
  await exit;
  clearTimeout(deadline);
}

/** A loopback address that only this process uses, so that a free port found on it stays free. */
const OWN_ADDRESS = `127.79.${1 + (process.pid % 250)}.${1 + (Math.floor(process.pid / 250) % 250)}`;

/** For programs that cannot pick a port themselves. */
export async function freeAddress(): Promise<{ readonly host: string; readonly port: number }> {
  const server = createServer().listen(0, OWN_ADDRESS);
  await once(server, "listening");
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === "string") throw new Error("not a TCP address");
  return { host: OWN_ADDRESS, port: address.port };
}

/** Polls until the condition holds; for what nobody announces. */
export async function until(condition: () => Promise<boolean> | boolean, what: string): Promise<void> {
  const deadline = performance.now() + UNTIL_DEADLINE_MS;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`waited in vain for ${what}`);
    await wait(20);
  }
}
