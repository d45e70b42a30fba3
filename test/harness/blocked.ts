import assert from "node:assert/strict";
import type { Secret } from "#base/secret.ts";
import { eventually } from "./eventually.ts";
import { ask } from "./postgres.ts";

/** Resolves when that many statements of the database wait for somebody else's lock. */
export async function blocked(url: Secret, count: number): Promise<void> {
  await eventually(async () => {
    const { rows } = await ask(
      url,
      `select query from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    );
    assert.equal(rows.length, count, JSON.stringify(rows));
  });
}
