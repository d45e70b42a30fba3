import pg from "pg";
import type { Secret } from "#base/secret.ts";

/** A transaction by hand, of one who does not wait for a deadlock to be found by somebody else. */
export async function begin(url: Secret) {
  const client = new pg.Client({ connectionString: url.expose() });
  await client.connect();
  const say = async (sql: string) => void (await client.query(sql));
  await say("set deadlock_timeout = '10ms'");
  await say("begin");
  return { say, [Symbol.asyncDispose]: async () => await client.end() };
}
