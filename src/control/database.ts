import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import type { Clock } from "#base/clock.ts";
import { ConfigError } from "#base/config.ts";
import type { Log } from "#base/process/log.ts";
import type { Secret } from "#base/secret.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { Cluster } from "./cluster/cluster.ts";
import { createEmbeddedCluster } from "./cluster/embedded.ts";
import { openSqliteStore } from "./store/sqlite/open.ts";
import type { Store } from "./store/store.ts";

/** Where control remembers: in a file, with one replica, or in a PostgreSQL, with any number. */
export type DatabasePlace =
  | { readonly kind: "file"; readonly file: string }
  | { readonly kind: "server"; readonly url: Secret };

/** What comes with a database. */
export interface Database {
  readonly store: Store;
  readonly cluster: Cluster;
  /** What all replicas go by. */
  readonly clock: Clock;
  close(): Promise<void>;
}

interface Parts {
  readonly clock: Clock;
  readonly log: Log;
}

/** Throws a ConfigError for what an operator can mend. */
export async function openDatabase(place: DatabasePlace, parts: Parts): Promise<Database> {
  try {
    return place.kind === "file" ? await openFile(place.file, parts) : await openServer(place.url, parts);
  } catch (cause) {
    throw new ConfigError([`${nameOf(place)}: ${reasonOf(cause)}`]);
  }
}

async function openFile(file: string, { clock, log }: Parts): Promise<Database> {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const store = await openSqliteStore(file, clock);
  const cluster = createEmbeddedCluster({ afterCommit: store.afterCommit, log });
  return { store, cluster, clock, close: closing(cluster, store) };
}

/** The driver is loaded where there is a server: it is of no use to an embedded database. */
async function openServer(url: Secret, { clock, log }: Parts): Promise<Database> {
  const { openPostgresStore } = await import("./store/postgres/open.ts");
  const { joinPostgresCluster } = await import("./cluster/postgres/cluster.ts");
  const store = await openPostgresStore({ url, log });
  try {
    const joined = await joinPostgresCluster({ url, clock, log });
    return { store, ...joined, close: closing(joined.cluster, store) };
  } catch (error) {
    await store.close();
    throw error;
  }
}

function closing(cluster: Cluster, store: Store): () => Promise<void> {
  return async () => {
    await cluster.close();
    await store.close();
  };
}

/** The words of whoever knows: of the first of several addresses, or of what an error of the catalogue comes from. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof AggregateError) return reasonOf(error.errors[0]);
  return error instanceof GatewayError ? reasonOf(error.cause ?? error.code) : error.message;
}

/** Without the password that a URL may hold. */
function nameOf(place: DatabasePlace): string {
  if (place.kind === "file") return place.file;
  const { protocol, host, pathname } = new URL(place.url.expose());
  return `${protocol}//${host}${pathname}`;
}
