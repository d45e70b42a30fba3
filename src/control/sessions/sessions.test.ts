import assert from "node:assert/strict";
import { test } from "node:test";
import { type CompiledQuery, sql } from "kysely";
import { testControl } from "../../../test/harness/control.ts";
import type { Caller, SessionSearch, Sessions } from "../services.ts";
import type { Store } from "../store/store.ts";
import { searchQuery } from "./session-search.ts";
import { sessionQuery } from "./sessions.ts";

test("sessions are listed newest first, page by page, each once", async () => {
  await using control = await testControl();
  await control.node();
  const machine = await control.machine();
  const opened: string[] = [];
  for (let count = 0; count < 7; count++) {
    const { sessionId } = await control.services.consoles.open(control.admin, {
      machineId: machine.id,
      api: "native",
    });
    opened.unshift(sessionId);
  }

  const seen: string[] = [];
  let after: string | undefined;
  do {
    const page = await control.services.sessions.list(control.admin, { limit: 3, after });
    seen.push(...page.items.map((session) => session.id));
    after = page.next;
  } while (after !== undefined);

  assert.deepEqual(seen, opened);
});

test("lists are narrowed by machine and by state", async () => {
  await using control = await testControl();
  const node = await control.node();
  const [one, two] = [await control.machine(), await control.machine()];
  const open = async (machineId: string) =>
    (await control.services.consoles.open(control.admin, { machineId, api: "native" })).sessionId;
  const [a, b, c] = [await open(one.id), await open(one.id), await open(two.id)];
  await control.link.registry.deregister(node.id, { incarnation: node.incarnation });
  await control.node();
  const d = await open(two.id);

  const ids = async (filter: Parameters<typeof control.services.sessions.list>[1]) =>
    (await control.services.sessions.list(control.admin, filter)).items.map((session) => session.id);

  assert.deepEqual(await ids({ machineId: one.id }), [b, a]);
  assert.deepEqual(await ids({ state: "ended" }), [c, b, a]);
  assert.deepEqual(await ids({ state: "pending" }), [d]);
  assert.deepEqual(await ids({ state: "active" }), []);
  assert.deepEqual(await ids({ state: "pending", machineId: two.id }), [d]);
  assert.deepEqual(await ids({ state: "ended", machineId: two.id }), [c]);
});

/** A list of what is over reads past the few sessions that are not; a list of these never reads what is over. */
const LISTS: readonly [role: Caller["role"], filter: Filter, index: string][] = [
  ["admin", {}, "sessions_consoles"],
  ["admin", { state: "ended" }, "sessions_consoles"],
  ["admin", { machineId: "m" }, "sessions_consoles_by_machine"],
  ["admin", { machineId: "m", state: "ended" }, "sessions_consoles_by_machine"],
  ["admin", { state: "pending" }, "sessions_live"],
  ["admin", { state: "active" }, "sessions_live"],
  ["admin", { machineId: "m", state: "active" }, "sessions_live"],
  ["member", {}, "sessions_consoles_by_account"],
  ["member", { state: "ended" }, "sessions_consoles_by_account"],
  ["member", { machineId: "m" }, "sessions_consoles_by_account_machine"],
  ["member", { machineId: "m", state: "ended" }, "sessions_consoles_by_account_machine"],
  ["member", { state: "pending" }, "sessions_live"],
  ["member", { machineId: "m", state: "active" }, "sessions_live"],
];

for (const [role, filter, index] of LISTS) {
  test(`a ${role}'s list of ${JSON.stringify(filter)} comes off ${index}, in order`, async () => {
    await using control = await testControl();

    for (const before of [undefined, "x"]) {
      const caller = { role, accountId: "a" };
      const query = sessionQuery(control.store.db, { caller, filter, before, size: 100 });
      const plan = await explain(control.store, query.compile());

      assertOneWalk(plan, index);
      if (before !== undefined) assert.match(plan[0] ?? "", /id<\?/, "goes on where the last page ended");
    }
  });
}

const SEARCHES: readonly [role: Caller["role"], filter: SessionSearch, index: string][] = [
  ["admin", {}, "sessions_consoles"],
  ["admin", { accountId: "a" }, "sessions_consoles_by_account"],
  ["admin", { machineId: "m" }, "sessions_consoles_by_machine"],
  ["admin", { accountId: "a", machineId: "m" }, "sessions_consoles_by_account_machine"],
  ["admin", { id: "s" }, "sqlite_autoindex_sessions_1"],
  [
    "admin",
    { creatorAddress: "::1", viewerAddress: "::1", createdFrom: 1, createdTo: 2 },
    "sessions_consoles",
  ],
  ["admin", { redeemed: "used" }, "sessions_consoles"],
  ["admin", { redeemed: "open" }, "sessions_consoles_live"],
  ["member", {}, "sessions_consoles_by_account"],
  ["member", { redeemed: "open" }, "sessions_consoles_live"],
  ["member", { machineId: "m" }, "sessions_consoles_by_account_machine"],
  ["member", { machineId: "m", redeemed: "open" }, "sessions_consoles_live"],
];

for (const [role, filter, index] of SEARCHES) {
  test(`a ${role}'s search for ${JSON.stringify(filter)} comes off ${index}, in order`, async () => {
    await using control = await testControl();
    const caller = { role, accountId: "a" };
    const query = searchQuery(control.store.db, { caller, filter, window: { first: 0, size: 100 } });

    assertOneWalk(await explain(control.store, query.compile()), index);
  });
}

/** Along one index, in its order, and nothing is sorted after. */
function assertOneWalk(plan: readonly string[], index: string): void {
  assert.equal(plan.length, 1, plan.join("; "));
  assert.match(plan[0] ?? "", new RegExp(`^(SEARCH|SCAN) sessions USING INDEX ${index}( |$)`));
}

type Filter = Parameters<Sessions["list"]>[1];

/** What SQLite would do. It does not look at values when it plans, so any will do. */
async function explain(store: Store, { sql: text }: CompiledQuery): Promise<string[]> {
  const query = sql.raw<{ detail: string }>(`explain query plan ${text.replaceAll("?", "'1'")}`);
  return (await query.execute(store.db)).rows.map((row) => row.detail);
}
