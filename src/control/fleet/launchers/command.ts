import { dirname } from "node:path";
import { Type } from "typebox";
import { Compile } from "typebox/schema";
import { ConfigError } from "#base/config.ts";
import { ownedScript } from "#base/process/owned-script.ts";
import { DEFAULT_POOL } from "#wire/api.ts";
import {
  INSTANCE_STATES,
  LaunchError,
  type Launcher,
  type LaunchOrder,
  launcherLimits,
  ORDER_ID,
} from "./launcher.ts";
import { runLauncher } from "./run-launcher.ts";

const isList = Compile(
  Type.Object({
    instances: Type.Array(
      Type.Object({
        order: Type.String({ pattern: ORDER_ID.source }),
        pool: Type.String({ minLength: 1, maxLength: 100 }),
        state: Type.Enum([...INSTANCE_STATES]),
        joinsAs: Type.Optional(Type.String({ minLength: 1, maxLength: 500 })),
        removable: Type.Optional(Type.Boolean()),
        problem: Type.Optional(Type.String({ maxLength: launcherLimits.failureCharacters })),
      }),
      { maxItems: launcherLimits.instances },
    ),
  }),
);

/** Of control's environment, what a script may need to find its tools. */
const PASSED_ON = ["PATH", "HOME", "LANG", "TZ"] as const;

export interface CommandOptions {
  /** The directory that scripts are taken from. */
  readonly directory: string;
  /** Of the script in it. */
  readonly name: string;
  /** So that scripts of several installations tell apart what is whose. */
  readonly installationId: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * Launches by a script of the operator's: docs/operations/scaling.md says what it is asked and what it answers. It is run
 * without a shell, and what it has to know, the join token above all, comes to it on standard input. Throws a ConfigError
 * where it is not one that may be run.
 */
export function createCommandLauncher({ directory, name, installationId, env }: CommandOptions): Launcher {
  const file = scriptOf(directory, name);
  const passed = Object.fromEntries(
    PASSED_ON.flatMap((key) => (env[key] === undefined ? [] : [[key, env[key]]])),
  );
  const run = async (verb: string, input: object, signal: AbortSignal): Promise<string> =>
    await runLauncher(
      { file, args: [verb], cwd: dirname(file), env: passed },
      `${JSON.stringify({ installation: installationId, ...input })}\n`,
      signal,
    );

  return {
    kind: "command",
    scope: `command ${name}`,

    async launch({ id, pool, join: { token, ...hints } }: LaunchOrder, signal) {
      const joinToken = token.expose();
      try {
        await run("launch", { order: id, pool, ...hints, joinToken }, signal);
      } catch (error) {
        throw withoutSecret(error, joinToken);
      }
    },

    async list(signal) {
      const answer = parse(await run("list", {}, signal));
      if (!isList.Check(answer))
        throw new LaunchError(`${name} list did not answer with a list of instances`);
      // Who joins by a service account is of that pool, so its node would never be found, and it be destroyed again and again.
      const stray = answer.instances.find(
        ({ pool, joinsAs }) => joinsAs !== undefined && pool !== DEFAULT_POOL,
      );
      if (stray !== undefined)
        throw new LaunchError(
          `${name} list has an instance of the pool ${stray.pool} with joinsAs, which nodes of the pool ${DEFAULT_POOL} alone can have`,
        );
      return answer.instances.map(({ order, removable, ...instance }) => ({
        orderId: order,
        ...instance,
        ...(removable === undefined ? {} : { isRemovable: removable }),
      }));
    },

    async stop(orderId, signal) {
      await run("stop", { order: orderId }, signal);
    },

    async start(orderId, signal) {
      await run("start", { order: orderId }, signal);
    },

    async destroy(orderId, signal) {
      await run("destroy", { order: orderId }, signal);
    },

    async close() {},
  };
}

function scriptOf(directory: string, name: string): string {
  try {
    return ownedScript(directory, name, "--launch-commands");
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause);
    throw new ConfigError([`--launchers: command:${name}: ${problem}`]);
  }
}

function withoutSecret(error: unknown, secret: string): unknown {
  if (!(error instanceof LaunchError)) return error;
  // Also half of it: whoever has the part behind the fingerprint has all that is secret.
  const [, own = secret] = secret.split(".");
  if (!error.message.includes(own.slice(0, 12))) return error;
  return new LaunchError("the script failed, and what it said has the join token in it");
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
