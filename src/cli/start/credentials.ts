import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "smol-toml";
import { type Static, Type } from "typebox";
import { Check } from "typebox/schema";
import { StartFailure } from "#base/process/start-failure.ts";
import { Secret } from "#base/secret.ts";
import type { ClientConfig } from "../config.ts";

/** What control writes when it makes the first administrator. */
const Bootstrap = Type.Object({ apiKey: Type.String(), secretKey: Type.String() });

/** The command line's own file: `porthole` reads it again at every command. */
const CliFile = Type.Object({ url: Type.String(), "api-key": Type.String(), "secret-key": Type.String() });

/** The files of the data directory that hold the administrator's keys. */
export function credentialFiles(directory: string): Readonly<Record<"bootstrap" | "cli" | "nova", string>> {
  const named = (name: string) => join(directory, name);
  return { bootstrap: named("bootstrap.json"), cli: named("cli.toml"), nova: named("nova-token") };
}

/** With which keys clients of Nova's API act that bring none; of an earlier start nothing is left. */
export function keepNovaToken(directory: string, keys: ClientConfig | undefined): void {
  const { nova } = credentialFiles(directory);
  if (keys === undefined) rmSync(nova, { force: true });
  else writeWhole(nova, `${keys.apiKey}:${keys.secretKey.expose()}\n`);
}

/**
 * The administrator's keys: of the first start from control's bootstrap file, later from the command line's file,
 * which is written anew either way, because control's address may be another one. Each file is whole at any moment,
 * and the first goes only when the second is there.
 */
export function keepCredentials(directory: string, url: string): ClientConfig {
  const { bootstrap, cli } = credentialFiles(directory);
  const keys = existsSync(bootstrap) ? readBootstrap(bootstrap) : readCliFile(cli);
  const file: Static<typeof CliFile> = { url, "api-key": keys.apiKey, "secret-key": keys.secretKey };
  writeWhole(cli, `${stringify(file)}\n`);
  rmSync(bootstrap, { force: true });
  return { url, apiKey: keys.apiKey, secretKey: new Secret(keys.secretKey) };
}

function readBootstrap(path: string): Static<typeof Bootstrap> {
  const content: unknown = JSON.parse(readFileSync(path, "utf8"));
  if (!Check(Bootstrap, content)) throw new StartFailure(`${path} does not hold the administrator's keys`);
  return content;
}

function readCliFile(path: string): Static<typeof Bootstrap> {
  if (!existsSync(path))
    throw new StartFailure(
      `${path} is missing, which held the administrator's keys. Put it back, or start with another --data directory.`,
    );
  const content: unknown = parse(readFileSync(path, "utf8"));
  if (!Check(CliFile, content)) throw new StartFailure(`${path} does not hold url, api-key and secret-key`);
  return { apiKey: content["api-key"], secretKey: content["secret-key"] };
}

/** For its owner alone, and never half written. */
export function writeWhole(path: string, text: string): void {
  writeFileSync(`${path}.new`, text, { mode: 0o600, flush: true });
  renameSync(`${path}.new`, path);
}
