import { after } from "node:test";
import { type Database, type PostgresServer, startPostgres } from "./postgres.ts";

let shared: Promise<PostgresServer> | undefined;
let settings: readonly string[] = [];
after(async () => await (await shared)?.[Symbol.asyncDispose]());

/** An empty database on a server that all tests of this process share. */
export async function createDatabase(template?: Database): Promise<Database> {
  return await (await sharedPostgres()).createDatabase(template);
}

/** The shared server, for what is to be asked of it beside the tests' own connections. */
export async function sharedPostgres(): Promise<PostgresServer> {
  shared ??= startPostgres({ settings });
  return await shared;
}

/** With what the shared server is started; to be said before anything asks for it. */
export function configureSharedPostgres(...said: readonly string[]): void {
  if (shared !== undefined) throw new Error("the shared server runs already");
  settings = said;
}
