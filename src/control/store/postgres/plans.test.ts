import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import type { Secret } from "#base/secret.ts";
import { type OneControl, testReplicas } from "../../../../test/harness/control.ts";
import { ask, lackingPostgres } from "../../../../test/harness/postgres.ts";
import {
  createLostNodeSweep,
  createThumbnailSweep,
  createTicketSweep,
  createUnreportedSweep,
} from "../../sessions/session-sweeps.ts";

const ENDED = 50_000;

/** Of all that the test does: far less than there is. */
const ROWS_READ = 2_000;

test("what is asked again and again does not read the sessions that have ended", {
  skip: lackingPostgres,
}, async () => {
  await using opened = await testReplicas(1);
  const { replicas, url } = opened;
  const [control] = replicas;
  assert.ok(control !== undefined);
  const { id: machineId } = await control.machine();
  const node = await control.node();
  await control.node({ pageOrigin: "http://other.example.com:8080" });
  await addEnded(url, { machineId, nodeId: node.id, accountId: control.admin.accountId });
  const before = await readsOf(url);

  await work(control, machineId);

  // A connection tells what it has counted when it ends.
  await control.store.close();
  const after = await readsOf(url);
  assert.ok(after.walks > before.walks, "it is counted");
  assert.equal(after.scans, before.scans, "no statement reads the whole table");
  assert.ok(after.rows - before.rows < ROWS_READ, `${after.rows - before.rows} rows were read`);
});

/** Consoles from their beginning to their end, the lists, and what runs now and then. */
async function work(control: OneControl, machineId: string): Promise<void> {
  const { services, link, admin, store, audit, values, clock, node } = control;
  const member = await control.member("member", ["default"]);
  const other = await node();
  for (let console = 0; console < 10; console++) {
    const caller = console % 2 === 0 ? admin : member;
    const { sessionId } = await services.consoles.open(caller, { machineId, api: "native" });
    const row = await services.sessions.get(caller, sessionId);
    const { incarnation } = await incarnationOf(control, row.nodeId);
    await link.redeem(row.nodeId, { incarnation, sessionId, attachment: 1, viewerAddress: "192.0.2.9" });
    const report = { sessionId, attachment: 1, at: clock.now(), bytesToViewer: 1, bytesFromViewer: 1 };
    await link.takeReports({ nodeId: row.nodeId, incarnation }, [{ ...report, state: "active" }]);
  }
  for (const caller of [admin, member]) {
    for (const filter of [{}, { state: "active" }, { state: "ended" }, { machineId }] as const)
      await services.sessions.list(caller, { ...filter, limit: 20 });
    await services.sessions.search(caller, { redeemed: "open" }, { first: 0, size: 20 });
  }
  await createTicketSweep({ store, audit })();
  await createUnreportedSweep({ store, audit })();
  await createThumbnailSweep(store)();
  await createLostNodeSweep({ store, audit, values, clock })();
  await link.registry.deregister(other.id, { incarnation: other.incarnation });
}

async function incarnationOf({ store }: OneControl, nodeId: string): Promise<{ incarnation: string }> {
  const { incarnation } = await store.db
    .selectFrom("nodes")
    .select("incarnation")
    .where("id", "=", nodeId)
    .executeTakeFirstOrThrow();
  assert.ok(incarnation !== null);
  return { incarnation };
}

/** The history of a year, as the planner knows it. */
async function addEnded(
  url: Secret,
  { machineId, nodeId, accountId }: { machineId: string; nodeId: string; accountId: string },
): Promise<void> {
  await ask(
    url,
    `insert into sessions (id, account_id, account_name, project_id, machine_id, machine_name, protocol, api, view_only,
       purpose, node_id, incarnation, attachment, state, created_at, ticket_expires_at, redeemed_at, ended_at,
       creator_address, ending_kind, ending_code, bytes_to_viewer, bytes_from_viewer)
     select '00000000-0000-7000-8000-' || lpad(n::text, 12, '0'), '${accountId}', 'admin', 'p',
       case when n % 10 = 0 then '${machineId}' else 'm' || (n % 500) end, 'm', 'rfb', 'native', 0, 'console',
       '${nodeId}', '${randomUUID()}', 1, 'ended', n, n, n, n, '::1', 'closed', 'viewer_closed', 0, 0
     from generate_series(1, ${ENDED}) as n`,
  );
  await ask(url, "vacuum analyze sessions");
}

/** How often the table was read as a whole, how often by an index, and how many rows that gave. */
async function readsOf(url: Secret): Promise<{ scans: number; walks: number; rows: number }> {
  const { rows } = await ask(
    url,
    "select seq_scan, idx_scan, idx_tup_fetch + seq_tup_read as read from pg_stat_user_tables where relname = 'sessions'",
  );
  const [{ seq_scan, idx_scan, read }] = rows;
  return { scans: Number(seq_scan), walks: Number(idx_scan), rows: Number(read) };
}
