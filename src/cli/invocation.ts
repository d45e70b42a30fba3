import { readFile } from "node:fs/promises";
import { text as readAll } from "node:stream/consumers";
import type { Command } from "commander";
import type { TSchema } from "typebox";
import { ApiClient } from "./api-client.ts";
import { loadClientConfig } from "./config.ts";
import { CliFailure } from "./exit-status.ts";
import { Output } from "./output/output.ts";

const limits = {
  /** A person waits this long without being told what for. */
  silentMs: 1000,
} as const;

/** What every command is given. Nothing is opened or read before a command asks for it. */
export interface Invocation {
  readonly api: ApiClient;
  readonly output: Output;
}

/** Makes invocations; one per process. */
export interface CliContext {
  readonly stop: AbortSignal;
  /** The output of the command that ran, for whoever must report how it failed. */
  output: Output;
}

/** `json`: whether the command line asks for it, as far as can be told before it is parsed. */
export function createContext(stop: AbortSignal, { json }: { readonly json: boolean }): CliContext {
  return { stop, output: createOutput(json) };
}

function createOutput(json: boolean): Output {
  return new Output({ json, out: process.stdout, err: process.stderr, now: () => Date.now() });
}

/** Wraps what a command does for commander, which hands over arguments, then options, then the command itself. */
export function action<Args extends readonly unknown[]>(
  context: CliContext,
  run: (invocation: Invocation, ...args: Args) => Promise<void>,
): (...all: unknown[]) => Promise<void> {
  return async (...all) => {
    const command = all.at(-1) as Command;
    const { json = false, config } = command.optsWithGlobals<{ json?: boolean; config?: string }>();
    const output = createOutput(json);
    context.output = output;
    const api = new ApiClient(
      loadClientConfig(config, (text) => output.warn(text)),
      context.stop,
    );
    using _waiting = output.waiting(`Waiting for ${api.url} …`, limits.silentMs);
    await run({ api, output }, ...(all.slice(0, -1) as unknown as Args));
  };
}

/** A secret from a file, or from standard input for `-`; the line end that editors add is no part of it. */
export async function readSecret(path: string): Promise<string> {
  try {
    const content = path === "-" ? await readAll(process.stdin) : await readFile(path, "utf8");
    return content.replace(/\r?\n$/, "");
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CliFailure("usage", `${path}: ${reason}`, { cause });
  }
}

/** Whether an argument may be an id: those are at most 64 characters, and go into a path. */
const POSSIBLE_ID = /^[A-Za-z0-9_-]{1,64}$/;

/** How to find the one thing that an argument means. */
interface Lookup<Item> {
  /** "machine", as it stands in messages. */
  readonly noun: string;
  /** `undefined` where nothing has this id. */
  readonly byId: (id: string) => Promise<Item | undefined>;
  readonly byName: (name: string) => Promise<readonly Item[]>;
  /** What tells several of the same name apart, and the option that does so. */
  readonly distinction: (items: readonly Item[]) => string;
}

/** An id means what has it; everything else is a name, and must be the name of exactly one thing. */
export async function find<Item>(
  text: string,
  { noun, byId, byName, distinction }: Lookup<Item>,
): Promise<Item> {
  const direct = await byId(text);
  if (direct !== undefined) return direct;
  const named = await byName(text);
  const [only, ...others] = named;
  if (only === undefined) throw nothingNamed(noun, text);
  if (others.length > 0)
    throw new CliFailure("usage", `there are ${named.length} ${noun}s named “${text}”`, {
      remedy: distinction(named),
    });
  return only;
}

export function nothingNamed(noun: string, text: string): CliFailure {
  return new CliFailure("notFound", `there is no ${noun} “${text}”`, {
    code: "not_found",
    remedy: `“porthole ${noun} list” shows those that you may see.`,
  });
}

/** Gets one thing by its id, and `undefined` where there is none. */
export async function getById<Schema extends TSchema>(
  { api }: Invocation,
  path: readonly [...before: string[], id: string],
  answer: Schema,
) {
  if (!POSSIBLE_ID.test(path.at(-1) ?? "")) return undefined;
  try {
    return await api.call({ method: "GET", path, answer });
  } catch (error) {
    if (error instanceof CliFailure && error.code === "not_found") return undefined;
    throw error;
  }
}
