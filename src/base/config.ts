/** One thing that a process must know to start. The table of fields is type, parser and documentation at once. */
export interface Field<Value> {
  /** The environment variable; the flag and the key in the TOML file follow from the field's own name. */
  readonly env: string;
  /** One sentence for `--help` and docs/operations/configuration.md. */
  readonly doc: string;
  /** There is no flag for it: whoever lists the processes of a machine reads their command lines. */
  readonly isSecret?: true;
  /** What stands for the value in `--help`; a field without one is a switch. */
  readonly placeholder?: string;
  /** Throws an Error whose message completes "NAME: …". */
  readonly parse: (text: string) => Value;
  /** Absent where the value must be given. `null` means: may be left out. */
  readonly fallback?: Value | null;
}

// biome-ignore lint/suspicious/noExplicitAny: a table holds fields of every type, and `unknown` would lose them.
export type Fields = Readonly<Record<string, Field<any>>>;

type ValueOf<F> = F extends { parse: (text: string) => infer Value }
  ? F extends { fallback: null }
    ? Value | null
    : Value
  : never;

export type ConfigOf<Table extends Fields> = { readonly [Name in keyof Table]: ValueOf<Table[Name]> };

/** Where values come from; the first that has one wins. Flags and file keys are in kebab-case. */
export interface ConfigSources {
  readonly flags: Readonly<Record<string, string | undefined>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly file: Readonly<Record<string, unknown>>;
}

/** Every problem of a configuration at once, so that it is mended in one round. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly problems: readonly string[];
  /** Whether the list of options helps; it does not where a file, a port or a database is what is wrong. */
  readonly seeHelp: boolean;

  constructor(problems: readonly string[], { seeHelp = false }: { readonly seeHelp?: boolean } = {}) {
    super(problems.join("\n"));
    this.problems = problems;
    this.seeHelp = seeHelp;
  }
}

/** Reads and checks a whole table. Throws a ConfigError that lists every problem. */
export function readConfig<Table extends Fields>(table: Table, sources: ConfigSources): ConfigOf<Table> {
  const problems = unknownKeys(table, sources.file);
  const config: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(table)) {
    const found = find(name, field, sources);
    if (found === undefined) {
      if (field.fallback === undefined)
        problems.push(`--${kebab(name)} (or ${field.env}) is missing: ${field.doc}`);
      else config[name] = field.fallback;
      continue;
    }
    try {
      config[name] = field.parse(found.text);
    } catch (error) {
      problems.push(`${found.from}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  if (problems.length > 0) throw new ConfigError(problems, { seeHelp: true });
  return config as ConfigOf<Table>;
}

export function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function find(
  name: string,
  field: Field<unknown>,
  sources: ConfigSources,
): { text: string; from: string } | undefined {
  const key = kebab(name);
  const flag = sources.flags[key];
  if (flag !== undefined) return { text: flag, from: `--${key}` };
  const env = sources.env[field.env];
  if (env !== undefined && env !== "") return { text: env, from: field.env };
  const file = sources.file[key];
  return file === undefined ? undefined : { text: String(file), from: `${key} in the configuration file` };
}

function unknownKeys(table: Fields, file: Readonly<Record<string, unknown>>): string[] {
  const known = new Set(Object.keys(table).map(kebab));
  return Object.keys(file)
    .filter((key) => !known.has(key))
    .map((key) => `${key} in the configuration file: there is no such key`);
}

export function text(value: string): string {
  if (value.trim() === "") throw new Error("must not be empty");
  return value;
}

export function flag(value: string): boolean {
  if (value === "true" || value === "1") return true;
  if (value === "false" || value === "0") return false;
  throw new Error("must be true or false");
}

/** A host and port to listen on or to dial; port 0 lets the system pick. IPv6 addresses stand in brackets. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

export function hostPort(value: string): HostPort {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]/@\s]+)):(\d{1,5})$/.exec(value);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || port > 65_535)
    throw new Error("must be HOST:PORT, such as 127.0.0.1:8000 or [::1]:8000");
  return { host, port };
}

export function formatHostPort({ host, port }: HostPort): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** An origin as RFC 6454 has it: scheme, host and port, nothing behind. Default ports are left out. */
export function origin(value: string): string {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  const good =
    url !== undefined &&
    /^https?:$/.test(url.protocol) &&
    url.pathname === "/" &&
    url.search + url.hash === "";
  if (!good || url.username !== "") throw new Error("must be an origin, such as https://console.example.com");
  return url.origin;
}

export function list<Item>(parse: (text: string) => Item): (value: string) => readonly Item[] {
  return (value) =>
    value
      .split(",")
      .map((item) => item.trim())
      .filter((item) => item !== "")
      .map(parse);
}
