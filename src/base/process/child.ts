import { type ChildProcess, spawn } from "node:child_process";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import type { Static, TSchema } from "typebox";
import { Check } from "typebox/schema";
import { inheritedOptions } from "./relaunch.ts";
import { StartFailure } from "./start-failure.ts";

const limits = {
  /** A slow machine needs a few seconds; whoever needs longer is stuck. */
  readyMs: 60_000,
  /** Closing sessions has deadlines of its own, which are shorter. */
  stopMs: 15_000,
  /** A ready line has a few hundred characters. */
  readyCharacters: 64 * 1024,
} as const;

const MAIN = fileURLToPath(new URL("../../main.ts", import.meta.url));

/** How a child ended: by a status or by a signal. */
export interface ChildEnd {
  readonly role: string;
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** How long a process may take to stop beyond what closing takes. */
interface Patience {
  readonly patienceMs: number;
  /** Whoever waits was told to wait no longer, and tells it. */
  readonly now: AbortSignal;
}

/** Another process of this program. It lives no longer than this one: the channel between both closes with either. */
export interface Child<Ready> {
  readonly role: string;
  readonly ready: Ready;
  readonly ended: Promise<ChildEnd>;
  /** Lets it close what it has open, and kills it where it does not; resolves once it has ended. */
  stop(patience?: Patience): Promise<void>;
}

/**
 * Starts a role of this program and waits for its ready line. Throws a StartFailure where it ends before that, says
 * something else, or says nothing in time; it has ended then. What it logs goes to our standard error.
 */
export async function startChild<Schema extends TSchema>(
  role: string,
  args: readonly string[],
  {
    ready: schema,
    stop,
    started,
    connected,
    env,
    readyMs = limits.readyMs,
  }: {
    readonly ready: Schema;
    readonly stop: AbortSignal;
    /** Hears the process id. */
    readonly started: (pid: number) => void;
    /** Gets what the two may talk by beside that. */
    readonly connected?: (channel: Pick<ChildProcess, "on" | "send">) => void;
    readonly env: Readonly<Record<string, string | undefined>>;
    /** How long it may take to be ready; null: until `stop`. */
    readonly readyMs?: number | null;
  },
): Promise<Child<Static<Schema>>> {
  if (stop.aborted) throw new StartFailure(`${role} is not started: everything stops`);
  const { file, args: all } = commandOf(role, [...args, "--json"]);
  const child = spawn(file, all, {
    stdio: ["ignore", "pipe", "inherit", "ipc"],
    // A process group of its own: Ctrl-C in a terminal comes to us alone, so that we stop them in order.
    detached: true,
    env,
  });
  const ended = endOf(role, child);
  if (child.pid !== undefined) started(child.pid);
  connected?.(child);
  const stopChild = async (patience?: Patience) => await stopProcess(child, ended, patience);
  // What listens to it goes with it: `stop` lives as long as the process, and sees many children.
  const settled = new AbortController();
  const timeout = readyMs === null ? [] : [AbortSignal.timeout(readyMs)];
  const deadline = AbortSignal.any([stop, settled.signal, ...timeout]);
  try {
    const line = await Promise.race([firstLine(child.stdout, deadline), ended]);
    if (typeof line !== "string")
      throw new StartFailure(`${role} ended before it was ready (${endText(line)})`);
    const ready = parse(line);
    if (!Check(schema, ready)) throw new StartFailure(`${role} did not say that it is ready`);
    return { role, ready, ended, stop: stopChild };
  } catch (error) {
    await stopChild();
    if (error instanceof StartFailure) throw error;
    throw new StartFailure(`${role} was not ready in time`, { cause: error });
  } finally {
    settled.abort();
  }
}

/** How a role of this program is started as a process, by a program that runs as this one does. */
export function commandOf(
  role: string,
  args: readonly string[],
): { readonly file: string; readonly args: readonly string[] } {
  const options = inheritedOptions(role, { role: process.argv[2], options: process.execArgv });
  return { file: process.execPath, args: [...options, MAIN, role, ...args] };
}

export function endText({ status, signal }: ChildEnd): string {
  return signal === null ? `status ${status}` : `signal ${signal}`;
}

async function endOf(role: string, child: ChildProcess): Promise<ChildEnd> {
  return await new Promise((resolve) => {
    // A process that could not be started at all emits "error" and never "exit".
    child.once("error", () => resolve({ role, status: 127, signal: null }));
    child.once("exit", (status, signal) => resolve({ role, status, signal }));
  });
}

async function stopProcess(
  child: ChildProcess,
  ended: Promise<ChildEnd>,
  patience?: Patience,
): Promise<void> {
  const kill = () => child.kill("SIGKILL");
  child.kill("SIGTERM");
  let stubborn = setTimeout(kill, limits.stopMs + (patience?.patienceMs ?? 0));
  const now = () => {
    child.kill("SIGTERM");
    clearTimeout(stubborn);
    stubborn = setTimeout(kill, limits.stopMs);
  };
  patience?.now.addEventListener("abort", now, { once: true });
  await ended;
  patience?.now.removeEventListener("abort", now);
  clearTimeout(stubborn);
}

/** The first line of a stream; what follows it is read and dropped, so that nobody waits for it to be. */
async function firstLine(stream: Readable | null, deadline: AbortSignal): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  let text = "";
  stream?.setEncoding("utf8").on("data", (chunk: string) => {
    if (text.includes("\n") || text.length > limits.readyCharacters) return;
    text += chunk;
    if (text.includes("\n") || text.length > limits.readyCharacters) resolve(text.split("\n")[0] ?? "");
  });
  const giveUp = () => reject(deadline.reason);
  if (deadline.aborted) giveUp();
  else deadline.addEventListener("abort", giveUp, { once: true });
  return await promise;
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
