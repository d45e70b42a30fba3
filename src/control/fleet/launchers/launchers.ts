import { ConfigError } from "#base/config.ts";
import type { Log } from "#base/process/log.ts";
import { createCommandLauncher } from "./command.ts";
import type { Launcher } from "./launcher.ts";
import { ProcessLauncher } from "./process.ts";

/** Which launcher a pool has: POOL=KIND, or POOL=KIND:NAME where there are several of a kind. */
export interface LauncherChoice {
  readonly pool: string;
  readonly kind: LauncherKind;
  readonly name: string;
}

const KINDS = ["process", "command"] as const;
type LauncherKind = (typeof KINDS)[number];

/** What launchers are made with, out of control's configuration. */
export interface LauncherOptions {
  readonly launchers: readonly LauncherChoice[];
  /** Where nodes that are processes have their folders. */
  readonly launchDirectory: string;
  /** Where an operator's scripts are. */
  readonly launchCommands: string | null;
  readonly logLevel: string;
  /** What nodes and scripts may see of control's environment. */
  readonly launchEnvironment: Readonly<Record<string, string | undefined>>;
}

/** Of the flag. Throws an Error that says what is wrong. */
export function launcherChoice(text: string): LauncherChoice {
  const [, pool = "", kind = "", name = ""] = /^([^=]+)=([a-z]+)(?::(.+))?$/.exec(text) ?? [];
  const known = KINDS.find((each) => each === kind);
  if (known === undefined) throw new Error(`must be POOL=LAUNCHER, the launcher one of ${KINDS.join(", ")}`);
  if ((known === "command") !== (name !== ""))
    throw new Error("must name a script, as POOL=command:NAME, and only then");
  return { pool, kind: known, name };
}

/** The launchers by pools; pools that say the same share one. Throws a ConfigError. */
export function createLaunchers(
  { launchers: choices, ...options }: LauncherOptions,
  { installationId, log }: { readonly installationId: string; readonly log: Log },
): ReadonlyMap<string, Launcher> {
  const made = new Map<string, Launcher>();
  const byPool = new Map<string, Launcher>();
  for (const choice of choices) {
    const { pool, kind, name } = choice;
    if (byPool.has(pool)) throw new ConfigError([`--launchers: the pool ${pool} has two`]);
    const key = `${kind}:${name}`;
    const launcher = made.get(key) ?? make(choice, options, { installationId, log });
    made.set(key, launcher);
    byPool.set(pool, launcher);
  }
  return byPool;
}

export async function closeLaunchers(launchers: ReadonlyMap<string, Launcher>): Promise<void> {
  await Promise.all([...new Set(launchers.values())].map(async (launcher) => await launcher.close()));
}

function make(
  { kind, name }: LauncherChoice,
  { launchDirectory, launchCommands, logLevel, launchEnvironment: env }: Omit<LauncherOptions, "launchers">,
  { installationId, log }: { readonly installationId: string; readonly log: Log },
): Launcher {
  switch (kind) {
    case "process":
      return new ProcessLauncher({ directory: launchDirectory, logLevel, env, log });
    case "command":
      if (launchCommands === null)
        throw new ConfigError(["--launch-commands is missing: it says where scripts are"]);
      return createCommandLauncher({ directory: launchCommands, name, installationId, env });
    default:
      return kind satisfies never;
  }
}
