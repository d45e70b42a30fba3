/** A PostgreSQL server of Debian's, as a cluster of control replicas would have it, with its durable defaults. */
import { spawnSync } from "node:child_process";
import { globSync, statSync } from "node:fs";
import { chown, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type Child, start, until } from "../measure/child.ts";

export interface PostgresServer extends AsyncDisposable {
  readonly pid: number;
  /** Of a database that is empty. It is found by a socket, so there is no port that somebody else could have. */
  readonly url: string;
}

/** Where Debian has put the newest version, if it has. */
function programs(): string | undefined {
  const newest = globSync("/usr/lib/postgresql/*/bin/postgres").sort().at(-1);
  return newest === undefined ? undefined : dirname(newest);
}

export function isPostgresInstalled(): boolean {
  return programs() !== undefined;
}

export async function startPostgres(): Promise<PostgresServer> {
  await using parts = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "bench-postgres-"));
  parts.defer(() => rm(folder, { recursive: true }));
  const bin = programs();
  if (bin === undefined) throw new Error("PostgreSQL is not installed");
  const as = await unprivileged(folder);
  const data = join(folder, "data");
  const made = spawnSync(...asUser(as, [join(bin, "initdb"), "-D", data, "-U", "porthole", "-A", "trust"]));
  if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`);
  const args = ["-D", data, "-c", "listen_addresses=", "-c", `unix_socket_directories=${folder}`];
  const [command, rest] = asUser(as, [join(bin, "postgres"), ...args]);
  const server: Child = parts.use(start({ command, args: rest, part: "database", channel: false }));
  await until(
    () => spawnSync(join(bin, "pg_isready"), ["-h", folder]).status === 0,
    "PostgreSQL to take connections",
  );
  haveRunForAWhile(bin, folder);
  const owned = parts.move();
  return {
    pid: server.pid,
    url: `postgres:///postgres?user=porthole&host=${encodeURIComponent(folder)}`,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** How many of the log's files of 16 MiB a server of any age has at hand: more than a trial fills. */
const LOG_FILES = 20;

/**
 * Gives the server what one has that has run for a while: files of its log that it writes again. Until its first
 * checkpoint, minutes after it was made, a server fills each file with zeros before its use, and all who commit wait.
 */
function haveRunForAWhile(bin: string, folder: string): void {
  const fill = "select pg_logical_emit_message(true, 'bench', 'full'); select pg_switch_wal();";
  const sql = [...Array.from({ length: LOG_FILES }, () => fill), "checkpoint;"].join("\n");
  const args = ["-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", folder, "-U", "porthole", "postgres"];
  const done = spawnSync(join(bin, "psql"), args, { input: sql });
  if (done.status !== 0) throw new Error(`psql failed: ${done.stderr}`);
}

interface User {
  readonly uid: number;
  readonly gid: number;
}

/** The server does not run as root: root lets Debian's user run it, who is known by what belongs to it. */
async function unprivileged(folder: string): Promise<User | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const { uid, gid } = statSync("/var/lib/postgresql");
  await chown(folder, uid, gid);
  return { uid, gid };
}

function asUser(user: User | undefined, argv: readonly string[]): [command: string, args: string[]] {
  const prefix =
    user === undefined ? [] : ["setpriv", `--reuid=${user.uid}`, `--regid=${user.gid}`, "--clear-groups"];
  const [command = "", ...args] = [...prefix, ...argv];
  return [command, args];
}
