import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { chownSync, existsSync, globSync, mkdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import pg from "pg";
import { Secret } from "#base/secret.ts";
import { eventually } from "./eventually.ts";
import { LOOPBACK, onFreePort } from "./free-port.ts";
import { type Process, startProcess } from "./process.ts";
import { lacking } from "./requirements.ts";
import { type Scratch, scratch } from "./scratch.ts";

export const lackingPostgres = lacking("postgresql");

/** A PostgreSQL server of the test's own. */
export interface PostgresServer extends AsyncDisposable {
  readonly port: number;
  readonly process: Process;
  /** The programs that belong to it, such as pg_dump. */
  readonly programs: string;
  /** Who may read what it is to read: itself. */
  readonly uid: number;
  url(database: string): Secret;
  /** As the superuser, in a database that is always there. */
  query(sql: string): Promise<pg.QueryResult>;
  /**
   * An empty database that sorts as a language does, as those of most operators do. Or one like another, which nobody is
   * connected to.
   */
  createDatabase(template?: Database): Promise<Database>;
}

export interface Database extends AsyncDisposable {
  readonly name: string;
  readonly url: Secret;
}

/**
 * Starts a server on a free port and on a socket in its directory. It refuses to run as root, so root lets Debian's
 * user run it. `at` is a directory that was another one's, to go on with it.
 */
export async function startPostgres(
  options: { readonly at?: Scratch; readonly port?: number; readonly settings?: readonly string[] } = {},
): Promise<PostgresServer> {
  const programs = findPrograms();
  const runner = findRunner();
  const folder = options.at ?? scratch();
  const data = join(folder.path, "data");
  if (!existsSync(data)) await initialize({ data, programs, runner, folder: folder.path });
  const start = async (port: number) => {
    const child = await startProcess(
      join(programs, "postgres"),
      [
        ...[
          "-D",
          data,
          "-p",
          `${port}`,
          "-c",
          `listen_addresses=${LOOPBACK}`,
          "-c",
          `unix_socket_directories=${folder.path}`,
        ],
        ...[
          "-c",
          "fsync=off",
          "-c",
          "max_connections=100",
          ...(options.settings ?? []).flatMap((each) => ["-c", each]),
        ],
      ],
      runner,
    );
    await ready(child, port);
    return { child, port };
  };
  const { child, port } = await (options.port === undefined ? onFreePort(start) : start(options.port));
  const url = (database: string) => new Secret(`postgres://porthole@${LOOPBACK}:${port}/${database}`);
  const query = async (sql: string) => await ask(url("postgres"), sql);
  return {
    port,
    process: child,
    programs,
    uid: runner.uid ?? process.getuid?.() ?? 0,
    url,
    query,
    async createDatabase(template) {
      const name = `t${randomUUID().replaceAll("-", "")}`;
      // Its files are copied as they are: to write each page into the log as well takes half as long again.
      const like =
        template === undefined
          ? "template0 locale_provider icu icu_locale 'en-US'"
          : `${template.name} strategy file_copy`;
      await query(`create database ${name} template ${like}`);
      return {
        name,
        url: url(name),
        [Symbol.asyncDispose]: async () => void (await query(`drop database ${name} with (force)`)),
      };
    },
    async [Symbol.asyncDispose]() {
      // At once: whoever is still connected is a test that has failed.
      await child.stop("SIGINT");
      if (options.at === undefined) await folder[Symbol.asyncDispose]();
    },
  };
}

/** One statement on a connection of its own. */
export async function ask(url: Secret, sql: string): Promise<pg.QueryResult> {
  const client = new pg.Client({ connectionString: url.expose() });
  await client.connect();
  try {
    return await client.query(sql);
  } finally {
    await client.end();
  }
}

interface Runner {
  readonly uid?: number;
  readonly gid?: number;
}

/** Debian puts every version into a folder of its own. */
function findPrograms(): string {
  const [postgres] = globSync("/usr/lib/postgresql/*/bin/postgres").sort().reverse();
  assert.ok(postgres !== undefined, "PostgreSQL is not where Debian puts it");
  return dirname(postgres);
}

/** Debian's user is known by what belongs to it. */
function findRunner(): Runner {
  if (process.getuid?.() !== 0) return {};
  const { uid, gid } = statSync("/var/lib/postgresql");
  return { uid, gid };
}

async function initialize({
  data,
  programs,
  runner,
  folder,
}: {
  readonly data: string;
  readonly programs: string;
  readonly runner: Runner;
  readonly folder: string;
}): Promise<void> {
  mkdirSync(data, { mode: 0o700 });
  if (runner.uid !== undefined && runner.gid !== undefined)
    for (const path of [folder, data]) chownSync(path, runner.uid, runner.gid);
  const child = await startProcess(
    join(programs, "initdb"),
    ["-D", data, "-U", "porthole", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"],
    runner,
  );
  assert.equal(await child.exited, 0, child.stderr.text);
}

async function ready(child: Process, port: number): Promise<void> {
  let isOver = false;
  void child.exited.then(() => {
    isOver = true;
  });
  await eventually(async () => {
    if (isOver) return;
    await ask(new Secret(`postgres://porthole@${LOOPBACK}:${port}/postgres`), "select 1");
  });
  assert.ok(!isOver, `the server ended before it was ready:\n${child.stderr.text}`);
}
