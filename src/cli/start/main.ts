import { mkdirSync } from "node:fs";
import { resolve } from "node:path";
import type { Role } from "#base/process/role.ts";
import { StartFailure } from "#base/process/start-failure.ts";
import { Machine, SignInLink } from "#wire/api.ts";
import { CliFailure } from "../exit-status.ts";
import { Children } from "./children.ts";
import { loadStartConfig, type StartConfig } from "./config.ts";
import { type Installation, startInstallation } from "./installation.ts";
import { chooseListen, PREFERRED } from "./listen.ts";
import { lockDirectory } from "./lock.ts";
import { welcome } from "./welcome.ts";

/** Runs a whole installation on this machine, until it is stopped or a part of it dies. */
export const main: Role = async ({ args, stop }) => {
  const loaded = loadStartConfig(args);
  if ("help" in loaded) {
    process.stdout.write(loaded.help);
    return 0;
  }
  try {
    return await run(loaded.config, stop);
  } catch (error) {
    // Whoever stopped it while it started wants no reasons.
    if (stop.aborted) return 0;
    say(`porthole start: ${explain(error, loaded.config.data)}`);
    return 1;
  }
};

/** Throws what is a mistake of ours. The files that are touched here are all in the data directory. */
function explain(error: unknown, data: string): string {
  if (error instanceof StartFailure || error instanceof CliFailure) return error.message;
  if (error instanceof Error && "syscall" in error)
    return `${data} cannot be used as the data directory: ${error.message}`;
  throw error;
}

async function run(config: StartConfig, stop: AbortSignal): Promise<number> {
  const directory = resolve(config.data);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  using lock = await lockDirectory(directory);
  const children = new Children(stop, (pid) => lock.note(pid));
  try {
    const listen = await chooseListen(config.listen, { preferred: PREFERRED, note: say });
    const logLevel = config.logLevel ?? (config.json ? "info" : "warn");
    const { nova, novaOpen } = config;
    const shared = { directory, listen, nova, novaOpen, logLevel, children, say };
    const installation = await startInstallation(shared);
    await announce(installation, config);
    await children.supervise();
    return 0;
  } catch (error) {
    // Whatever failed because a child died is best explained by that.
    if (children.over.aborted) await children.supervise();
    throw error;
  } finally {
    if (stop.aborted) say("Stopping");
    await children.stop();
  }
}

async function announce(
  { control, nova, node, credentials, api }: Installation,
  { json, data, novaOpen }: Pick<StartConfig, "json" | "data" | "novaOpen">,
): Promise<void> {
  if (json) {
    const machines = (await api.list(["machines"], Machine)).map(({ id, name }) => ({ id, name }));
    const { apiKey, secretKey } = credentials;
    const keys = { apiKey, secretKey: secretKey.expose() };
    const openStack = nova === undefined ? {} : openStackOf(nova, keys);
    const ready = { ready: true, control, node, ...keys, machines, ...openStack };
    process.stdout.write(`${JSON.stringify(ready)}\n`);
    return;
  }
  const link = await api.call({ method: "POST", path: ["me", "sign-in-link"], answer: SignInLink });
  process.stdout.write(welcome({ link: link.url, data, nova, novaOpen }));
}

/** What OpenStack's clients are told: where to ask, and by which token they are the administrator. */
function openStackOf(
  origin: string,
  { apiKey, secretKey }: { readonly apiKey: string; readonly secretKey: string },
) {
  return {
    nova: `${origin}/v2.1`,
    identity: `${origin}/identity/v3`,
    novaToken: `${apiKey}:${secretKey}`,
  };
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
