import { after } from "node:test";
import { type Database, type PostgresServer, startPostgres } from "./postgres.ts";

let shared: Promise<PostgresServer> | undefined;
after(async () => await (await shared)?.[Symbol.asyncDispose]());

/** An empty database on a server that all tests of this process share. */
export async function createDatabase(template?: Database): Promise<Database> {
  return await (await sharedPostgres()).createDatabase(template);
}

/** The shared server, for what is to be asked of it beside the tests' own connections. */
export async function sharedPostgres(): Promise<PostgresServer> {
  shared ??= startPostgres();
  return await shared;
}
