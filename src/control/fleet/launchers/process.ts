import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import {
  copyFile,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  truncate,
  writeFile,
} from "node:fs/promises";
import { hostname } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type Static, Type } from "typebox";
import { Check } from "typebox/schema";
import { ConfigError } from "#base/config.ts";
import { commandOf } from "#base/process/child.ts";
import type { Log } from "#base/process/log.ts";
import { withDirectory } from "./directory-lock.ts";
import {
  type Instance,
  LaunchError,
  type Launcher,
  type LaunchOrder,
  launcherLimits,
  ORDER_ID,
} from "./launcher.ts";
import { processesBy } from "./processes.ts";

const limits = {
  /** Of a node's log: when it is longer, it becomes `log.1` in place of the one before. */
  logBytes: 8 * 1024 * 1024,
  /** From the word to stop until a node is killed. It ends its sessions within seconds, and waits for none. */
  stopMs: 2 * 60_000,
  lookAgainMs: 200,
  /** Of a log's end, in which its last line is looked for. */
  lastWordsBytes: 4096,
} as const;

/** Before an order's name: a folder that is no instance yet, or none any more. */
const ASIDE = [".new-", ".old-"] as const;
const [NEW, OLD] = ASIDE;

/** All that is needed to start it again, but for the token, which is a file beside it for as long as it is needed. */
const Launched = Type.Object({
  pool: Type.String(),
  controls: Type.Array(Type.String()),
  listen: Type.String(),
  publicAddress: Type.Optional(Type.String()),
});
type Launched = Static<typeof Launched>;

export interface ProcessOptions {
  /** A folder of this machine's, for the nodes and nothing else. */
  readonly directory: string;
  readonly logLevel: string;
  /** For the nodes, without what configures control. */
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
}

/**
 * Nodes as processes of this machine. They do not end with control: open consoles go on while it restarts, and the next
 * control finds them again by what /proc says of every process, so that no number in a file can be stale. What each has
 * is a folder with the order's name: `launch.json`, the node's own data, its log.
 */
export class ProcessLauncher implements Launcher {
  readonly kind = "process";
  readonly scope: string;
  readonly #directory: string;
  readonly #options: ProcessOptions;
  readonly #closed = new AbortController();
  /** Who waits for a node to end, so that what is left of it is taken away. */
  readonly #removals = new Map<string, Promise<void>>();
  readonly #swept: Promise<void>;

  /** Throws a ConfigError where the folder cannot be had, or /proc is not there. */
  constructor(options: ProcessOptions) {
    this.#options = options;
    this.#directory = resolve(options.directory);
    this.scope = `process ${this.#directory} on ${hostname()}`;
    if (process.platform !== "linux") throw new ConfigError(["--launchers: process needs Linux"]);
    try {
      mkdirSync(this.#directory, { recursive: true, mode: 0o700 });
    } catch (cause) {
      throw new ConfigError([
        `${this.#directory}: ${cause instanceof Error ? cause.message : String(cause)}`,
      ]);
    }
    this.#swept = this.#sweep();
  }

  async launch({ id, pool, join: data }: LaunchOrder, signal: AbortSignal): Promise<void> {
    const { controls, listen = "127.0.0.1:0", publicAddress } = data;
    const launched = { pool, controls: [...controls], listen, ...(publicAddress && { publicAddress }) };
    await this.#locked(signal, async () => {
      if (await isThere(this.#folder(id))) return;
      await this.#prepare(id, launched, data.token.expose());
      await this.#run(id, launched);
    });
  }

  async list(signal: AbortSignal): Promise<readonly Instance[]> {
    signal.throwIfAborted();
    return await failing(async () => {
      const names = (await readdir(this.#directory)).filter(isOrder);
      if (names.length > launcherLimits.instances) throw new LaunchError("there are too many instances");
      const running = await this.#running();
      signal.throwIfAborted();
      const found = await Promise.all(names.map(async (id) => await this.#describe(id, running.has(id))));
      return found.filter((instance) => instance !== undefined);
    });
  }

  async stop(orderId: string, signal: AbortSignal): Promise<void> {
    await this.#locked(signal, async () => await this.#end(orderId));
  }

  async start(orderId: string, signal: AbortSignal): Promise<void> {
    await this.#locked(signal, async () => {
      const launched = await readLaunched(this.#folder(orderId));
      if (launched === undefined) throw new LaunchError("there is no such instance to be started");
      if (!(await this.#running()).has(orderId)) await this.#run(orderId, launched);
    });
  }

  async destroy(orderId: string, signal: AbortSignal): Promise<void> {
    await this.#locked(signal, async () => await this.#end(orderId));
    if (this.#removals.has(orderId) || !(await isThere(this.#folder(orderId)))) return;
    const removal = this.#removeOnceEnded(orderId)
      .catch((error: unknown) => this.#options.log.error({ error, orderId }, "A node was not taken away"))
      .finally(() => this.#removals.delete(orderId));
    this.#removals.set(orderId, removal);
  }

  async close(): Promise<void> {
    this.#closed.abort();
    await Promise.all([this.#swept, ...this.#removals.values()]);
  }

  /** What a control left halfway that was killed: tokens and keys may stand in it. Nobody else is at it, as we have the lock. */
  async #sweep(): Promise<void> {
    try {
      await this.#locked(this.#closed.signal, async () => {
        const left = (await readdir(this.#directory)).filter((name) =>
          ASIDE.some((prefix) => name.startsWith(prefix) && isOrder(name.slice(prefix.length))),
        );
        for (const name of left) await rm(join(this.#directory, name), { recursive: true, force: true });
      });
    } catch (error) {
      if (!this.#closed.signal.aborted)
        this.#options.log.error({ error }, "What is left of nodes was not taken away");
    }
  }

  /** Aside first, then under its name: there is never half of one. */
  async #prepare(id: string, launched: Launched, token: string): Promise<void> {
    const aside = join(this.#directory, `${NEW}${id}`);
    await rm(aside, { recursive: true, force: true });
    await mkdir(aside, { mode: 0o700 });
    await writeFile(join(aside, "join-token"), `${token}\n`, { mode: 0o600 });
    await writeFile(join(aside, "launch.json"), `${JSON.stringify(launched)}\n`, { mode: 0o600 });
    await rename(aside, this.#folder(id));
  }

  async #run(id: string, { controls, listen, publicAddress }: Launched): Promise<void> {
    const folder = this.#folder(id);
    const tokenFile = join(folder, "join-token");
    const { file, args } = commandOf("proxy", [
      ...["--data", dataOf(folder), "--control", controls.join(","), "--listen", listen],
      ...(publicAddress === undefined ? [] : ["--public-address", publicAddress]),
      ...((await isThere(tokenFile)) ? ["--join-token-file", tokenFile] : []),
      // Nodes of one machine that are given one port share it; each hands on what is not its own.
      ...(listen.endsWith(":0") ? [] : ["--reuse-port"]),
      ...["--log-level", this.#options.logLevel],
    ]);
    const log = await open(join(folder, "log"), "a", 0o600);
    try {
      const child = spawn(file, args, {
        stdio: ["ignore", log.fd, log.fd],
        detached: true,
        cwd: folder,
        env: this.#options.env,
      });
      // One that cannot be started at all is seen to be stopped.
      child.on("error", (error) =>
        this.#options.log.error({ error, orderId: id }, "A node cannot be started"),
      );
      child.unref();
    } finally {
      await log.close();
    }
  }

  async #describe(id: string, isRunning: boolean): Promise<Instance | undefined> {
    const folder = this.#folder(id);
    const launched = await readLaunched(folder);
    if (launched === undefined) return undefined;
    const { pool } = launched;
    await boundLog(folder);
    const hasJoined = await isThere(join(dataOf(folder), "node-identity.json"));
    if (hasJoined) await rm(join(folder, "join-token"), { force: true });
    if (isRunning) return { orderId: id, pool, state: hasJoined ? "running" : "starting" };
    const problem = await lastWords(folder);
    return { orderId: id, pool, state: "stopped", ...(problem !== "" && { problem }) };
  }

  async #end(orderId: string): Promise<void> {
    const pid = (await this.#running()).get(orderId);
    if (pid !== undefined) signalProcess(pid, "SIGTERM");
  }

  async #removeOnceEnded(orderId: string): Promise<void> {
    const deadline = performance.now() + limits.stopMs;
    for (;;) {
      const pid = (await this.#running()).get(orderId);
      if (pid === undefined) break;
      if (performance.now() > deadline) signalProcess(pid, "SIGKILL");
      // Whoever makes this launcher anew destroys it again, if that is still wanted.
      if (this.#closed.signal.aborted) return;
      await delay(limits.lookAgainMs, undefined, { signal: this.#closed.signal }).catch(() => {});
    }
    await this.#locked(new AbortController().signal, async () => {
      const folder = this.#folder(orderId);
      const aside = join(this.#directory, `${OLD}${orderId}`);
      if (await isThere(folder)) await rename(folder, aside);
      await rm(aside, { recursive: true, force: true });
    });
  }

  /** By the folder that stands in its command line: process ids by orders. */
  async #running(): Promise<ReadonlyMap<string, number>> {
    return await processesBy((args) => {
      const data = args[args.indexOf("--data") + 1];
      const [order, rest] = data?.startsWith(`${this.#directory}/`)
        ? data.slice(this.#directory.length + 1).split("/")
        : [];
      return rest === "node" ? order : undefined;
    });
  }

  /** One change at a time, whichever control makes it: of two that launch one order the second finds it launched. */
  async #locked(signal: AbortSignal, work: () => Promise<void>): Promise<void> {
    await failing(async () => await withDirectory(this.#directory, { signal, work }));
  }

  #folder(orderId: string): string {
    if (!isOrder(orderId)) throw new LaunchError("an order's id is a UUID");
    return join(this.#directory, orderId);
  }
}

/** What the file system refuses is told without a stack; paths are no secret. */
async function failing<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof LaunchError || (cause instanceof Error && cause.name === "AbortError")) throw cause;
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new LaunchError(`the folder of nodes cannot be used: ${message}`, { cause });
  }
}

function isOrder(name: string): boolean {
  return ORDER_ID.test(name);
}

function dataOf(folder: string): string {
  return join(folder, "node");
}

async function readLaunched(folder: string): Promise<Launched | undefined> {
  try {
    const launched: unknown = JSON.parse(await readFile(join(folder, "launch.json"), "utf8"));
    return Check(Launched, launched) ? launched : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || isMissing(error)) return undefined;
    throw error;
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}

/** The node appends to it, so that it goes on at the beginning. */
async function boundLog(folder: string): Promise<void> {
  const file = join(folder, "log");
  if (!(await isThere(file)) || (await stat(file)).size <= limits.logBytes) return;
  await copyFile(file, `${file}.1`);
  await truncate(file);
}

/** The last line of its log, which holds no secrets. */
async function lastWords(folder: string): Promise<string> {
  const path = join(folder, "log");
  if (!(await isThere(path))) return "";
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    const length = Math.min(size, limits.lastWordsBytes);
    const { buffer } = await file.read(Buffer.alloc(length), 0, length, size - length);
    const line = buffer.toString("utf8").trim().split("\n").at(-1) ?? "";
    return line.slice(0, launcherLimits.failureCharacters);
  } finally {
    await file.close();
  }
}

function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has just ended.
  }
}
