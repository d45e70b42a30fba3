import { readFileSync, statSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { parse } from "smol-toml";
import { ConfigError, type ConfigOf, type Fields, origin, readConfig, text } from "#base/config.ts";
import { Secret } from "#base/secret.ts";

/** What the command line must know: where control is, and who asks. */
export const CLIENT_FIELDS = {
  url: {
    env: "PORTHOLE_URL",
    doc: "Where control is reached, such as https://console.example.com.",
    placeholder: "ORIGIN",
    parse: origin,
  },
  apiKey: {
    env: "PORTHOLE_API_KEY",
    doc: "The API key of the account to act as.",
    placeholder: "KEY",
    parse: text,
  },
  secretKey: {
    env: "PORTHOLE_SECRET_KEY",
    doc: "The secret key that belongs to the API key.",
    placeholder: "KEY",
    parse: (value) => new Secret(text(value)),
  },
} as const satisfies Fields;

export type ClientConfig = ConfigOf<typeof CLIENT_FIELDS>;

const CONFIG_FILE_VARIABLE = "PORTHOLE_CONFIG";

/** Where a configuration file is looked for when none is named; the first that exists is taken. */
export const DEFAULT_FILES = ["./data/cli.toml", "~/.config/porthole/cli.toml"] as const;

/**
 * The environment first, for each value by itself, then the file: the one that `--config` or PORTHOLE_CONFIG names,
 * else the first default one. `warn` hears of a file that others can read. Throws a ConfigError.
 */
export function loadClientConfig(named: string | undefined, warn: (text: string) => void): ClientConfig {
  const env = process.env;
  const path = named ?? (env[CONFIG_FILE_VARIABLE] || undefined);
  const complete = Object.values(CLIENT_FIELDS).every((field) => env[field.env]);
  // A file that nobody named is not looked at where the environment says everything.
  const file = path === undefined && complete ? undefined : readFile(path, env["XDG_CONFIG_HOME"]);
  if (file === undefined && Object.values(CLIENT_FIELDS).every((field) => !env[field.env]))
    throw nothingKnown();
  if (file?.readableByOthers === true)
    warn(`${file.path} can be read by others. Mend it: chmod 600 ${file.path}`);
  return readConfig(CLIENT_FIELDS, { flags: {}, env, file: file?.values ?? {} });
}

/** The folder of what certbot has just renewed, where it runs us as a deploy hook. */
export function renewedLineage(): string | undefined {
  return process.env["RENEWED_LINEAGE"] || undefined;
}

interface ConfigFile {
  readonly path: string;
  readonly values: Readonly<Record<string, unknown>>;
  readonly readableByOthers: boolean;
}

function readFile(named: string | undefined, configHome: string | undefined): ConfigFile | undefined {
  if (named !== undefined) return open(named);
  const home = configHome || join(homedir(), ".config");
  const candidates = DEFAULT_FILES.map((path) => path.replace("~/.config", home));
  const path = candidates.find((candidate) => statSync(candidate, { throwIfNoEntry: false })?.isFile());
  return path === undefined ? undefined : open(path);
}

function open(path: string): ConfigFile {
  try {
    const { mode } = statSync(path);
    const values = parse(readFileSync(path, "utf8"));
    return { path, values, readableByOthers: process.platform !== "win32" && (mode & 0o077) !== 0 };
  } catch (cause) {
    throw new ConfigError([`${path}: ${cause instanceof Error ? cause.message : String(cause)}`]);
  }
}

function nothingKnown(): ConfigError {
  const variables = Object.values(CLIENT_FIELDS).map((field) => field.env);
  return new ConfigError([
    `no configuration was found: there is neither ${DEFAULT_FILES.join(" nor ")}. Run “npm start” here, name a ` +
      `file by --config or ${CONFIG_FILE_VARIABLE}, or set ${variables.join(", ")}.`,
  ]);
}
