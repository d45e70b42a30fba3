import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { eventually } from "../harness/eventually.ts";
import { LOOPBACK, onFreePort } from "../harness/free-port.ts";
import { startProcess } from "../harness/process.ts";
import { lacking } from "../harness/requirements.ts";

export const lackingNameServers = lacking("name-servers", "bind9-dnsutils", "bind9-utils");

/** Made by scripts/setup/name-servers.mjs. */
const UNPACKED = fileURLToPath(new URL("../../.cache/name-servers", import.meta.url));

/** A name server of somebody else's. */
export interface NameServer extends AsyncDisposable {
  readonly port: number;
  /** Runs what an operator types on its host, a line, in its folder, and resolves to what it said. It must succeed. */
  type(line: string): Promise<string>;
}

/** What docs/operations/dns.md says, as an operator copies it: the group of the pattern. */
export function documented(pattern: RegExp): string {
  const text = readFileSync(new URL("../../docs/operations/dns.md", import.meta.url), "utf8");
  const [, found] = pattern.exec(text) ?? [];
  assert.ok(found !== undefined, `the documentation has ${pattern}`);
  return found;
}

/** PowerDNS with a database in `folder`, which is empty. */
export async function startPowerDns(folder: string): Promise<NameServer> {
  const database = new DatabaseSync(join(folder, "pdns.sqlite"));
  database.exec(readFileSync(unpacked("usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql"), "utf8"));
  database.close();
  const settings = [
    "launch=gsqlite3",
    `gsqlite3-database=${join(folder, "pdns.sqlite")}`,
    `module-dir=${join(libraries(), "pdns")}`,
    `socket-dir=${folder}`,
    `local-address=${LOOPBACK}`,
  ];
  const options = ["--guardian=no", "--daemon=no", `--config-dir=${folder}`];
  const started = await start(unpacked("usr/sbin/pdns_server"), options, {
    ready: /Done launching threads/,
    prepare: (port) =>
      writeFileSync(join(folder, "pdns.conf"), [...settings, `local-port=${port}`, ""].join("\n")),
  });
  return {
    ...started,
    async type(line) {
      const [program = "", ...args] = words(line);
      return await ended(unpacked(`usr/bin/${program}`), [`--config-dir=${folder}`, ...args], folder);
    },
  };
}

/** BIND with a part of its configuration that is the operator's. */
export async function startBind(folder: string, zones: string): Promise<NameServer> {
  const control = await onFreePort(async (port) => port);
  const key = 'key "test" { algorithm hmac-sha256; secret "c2VjcmV0"; };\n';
  const options = `options {
  directory "${folder}"; pid-file none; session-keyfile none; managed-keys-directory "${folder}";
  listen-on-v6 { none; }; recursion no;
};
controls { inet ${LOOPBACK} port ${control} allow { ${LOOPBACK}; } keys { "test"; }; };
`;
  writeFileSync(join(folder, "named.conf"), key + options + zones);
  const client = `options { default-server ${LOOPBACK}; default-port ${control}; default-key "test"; };\n`;
  writeFileSync(join(folder, "rndc.conf"), key + client);
  const config = ["-g", "-c", join(folder, "named.conf")];
  const started = await start(unpacked("usr/sbin/named"), config, {
    ready: /running$/m,
    options: (port) => ["-p", String(port)],
  });
  return {
    ...started,
    async type(line) {
      const [program = "", ...args] = words(line);
      return await ended(program, ["-c", join(folder, "rndc.conf"), ...args], folder);
    },
  };
}

/** PowerDNS Recursor with a setting of the operator's. */
export async function startRecursor(folder: string, setting: string): Promise<NameServer> {
  // Of itself it asks no server on loopback.
  const options = [`--config-dir=${folder}`, `--socket-dir=${folder}`, "--daemon=no", "--dont-query="];
  const settings = [
    setting,
    `local-address=${LOOPBACK}`,
    "hint-file=no",
    "security-poll-suffix=",
    "dnssec=off",
  ];
  const started = await start(unpacked("usr/sbin/pdns_recursor"), options, {
    ready: /Enabled multiplexer/,
    prepare: (port) =>
      writeFileSync(join(folder, "recursor.conf"), [...settings, `local-port=${port}`, ""].join("\n")),
  });
  return { ...started, type: async () => assert.fail("nothing is typed there") };
}

/** What a name server says of a name: the code, what it answers, and of what is not there the SOA, without times and serials. */
export async function said(port: number, name: string, type: string): Promise<readonly string[]> {
  const text = await ended("dig", [
    `@${LOOPBACK}`,
    "-p",
    String(port),
    name,
    type,
    "+noall",
    "+comments",
    "+answer",
    "+authority",
  ]);
  const [, code = ""] = /status: (\w+)/.exec(text) ?? [];
  const records = text
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith(";"))
    .map((line) => line.split(/\s+/))
    .map(([owner = "", , , kind = "", ...data]) => ({ owner, kind, data: data.join(" ") }));
  const isOfQuestion = ({ owner, kind }: { owner: string; kind: string }) =>
    (kind === type && owner === `${name}.`) || kind === "SOA";
  const lines = records
    .filter(isOfQuestion)
    .map(({ owner, kind, data }) => `${owner} ${kind} ${kind === "SOA" ? data.replace(/ \d+ /, " ") : data}`);
  return [code, ...lines.sort()];
}

async function start(
  program: string,
  args: readonly string[],
  how: {
    readonly ready: RegExp;
    readonly prepare?: (port: number) => void;
    readonly options?: (port: number) => readonly string[];
  },
): Promise<{ readonly port: number } & AsyncDisposable> {
  return await onFreePort(async (port) => {
    how.prepare?.(port);
    const child = await startProcess(program, [...args, ...(how.options?.(port) ?? [])], {
      env: environment(),
    });
    let exit: unknown;
    void child.exited.then((value) => {
      exit = value;
    });
    const said = () => child.stdout.text + child.stderr.text;
    await eventually(() => assert.ok(exit !== undefined || how.ready.test(said()), said()));
    assert.equal(exit, undefined, said());
    return { port, [Symbol.asyncDispose]: async () => void (await child.stop()) };
  });
}

async function ended(program: string, args: readonly string[], cwd?: string): Promise<string> {
  const options = { env: environment(), ...(cwd === undefined ? {} : { cwd }) };
  await using child = await startProcess(program, args, options);
  const status = await child.exited;
  assert.equal(status, 0, child.stdout.text + child.stderr.text);
  return child.stdout.text;
}

/** As a shell has them, with single quotes and no more. */
function words(line: string): readonly string[] {
  return [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? "");
}

function environment(): Record<string, string> {
  return { LD_LIBRARY_PATH: libraries() };
}

function libraries(): string {
  const architecture = readdirSync(unpacked("usr/lib")).find((name) => name.endsWith("-linux-gnu"));
  return unpacked(`usr/lib/${architecture}`);
}

function unpacked(path: string): string {
  return join(UNPACKED, path);
}
