/**
 * What consoles cost when a million are over: every statement of ours, as the server itself counts it, does not read
 * more pages of the database than where none is.
 */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import type { Secret } from "#base/secret.ts";
import { type OneControl, testReplicas } from "../../../../test/harness/control.ts";
import { ask, lackingPostgres } from "../../../../test/harness/postgres.ts";
import { configureSharedPostgres } from "../../../../test/harness/shared-postgres.ts";
import { createAuditSweep } from "../../audit/sweep.ts";
import { createClosings } from "../../sessions/closing.ts";
import {
  createLostNodeSweep,
  createOfflineSweep,
  createSilentNodeSweep,
  createThumbnailSweep,
  createTicketSweep,
  createUnreportedSweep,
} from "../../sessions/session-sweeps.ts";

const ENDED = 1_000_000;
const CONSOLES = 20;

const limits = {
  /**
   * Of 8 kB, for each call. An index of a million is two levels deeper than an empty one, and an issue writes to a dozen
   * of them; a scan of what has ended reads tens of thousands, and one of a single machine's ended consoles thousands.
   */
  morePages: 60,
  /** For each row that is answered or changed: a change goes into every index, and a list finds more, up to its limit. */
  morePagesPerRow: 40,
} as const;

configureSharedPostgres("shared_preload_libraries=pg_stat_statements");

test(`with ${ENDED} sessions that have ended no statement reads more than with none`, {
  skip: lackingPostgres,
}, async (t) => {
  const none = await measure(0);
  const many = await measure(ENDED);

  const told = [...many].filter(([text]) => /\bsessions\b/.test(text));
  assert.ok(told.length > 20, `there are only ${told.length} statements about sessions`);
  const dearer = told.flatMap(([text, { pages, rows }]) => {
    const before = none.get(text);
    // A statement that is said in one of them alone has nothing to be compared with, so it has to be cheap by itself.
    const bound = (before?.pages ?? 0) + limits.morePages + limits.morePagesPerRow * rows;
    t.diagnostic(
      `${before?.pages.toFixed(1)} → ${pages.toFixed(1)} pages, ${rows.toFixed(1)} rows: ${text.slice(0, 120)}`,
    );
    return pages <= bound ? [] : [`${pages} pages instead of ${before?.pages}: ${text}`];
  });
  assert.deepEqual(dearer, []);
});

interface Cost {
  /** Of the database, found in memory or read, for each call. */
  readonly pages: number;
  /** Answered, or changed, for each call. */
  readonly rows: number;
}

/** What each statement cost of all that control does with consoles, by its text. */
async function measure(ended: number): Promise<ReadonlyMap<string, Cost>> {
  await using opened = await testReplicas(1);
  const { replicas, url } = opened;
  const [control] = replicas;
  assert.ok(control !== undefined);
  const { id: machineId } = await control.machine();
  const node = await control.node();
  const other = await control.node({ pageOrigin: "http://other.example.com:8080" });
  await addEnded(url, ended, { machineId, nodeId: node.id, accountId: control.admin.accountId });
  await ask(url, "create extension pg_stat_statements");
  await ask(url, "select pg_stat_statements_reset()");

  await work(control, { machineId, otherNodeId: other.id });

  return await costs(url);
}

/** Consoles from their beginning to their end in every way, the lists, and what runs now and then. */
async function work(
  control: OneControl,
  { machineId, otherNodeId }: { readonly machineId: string; readonly otherNodeId: string },
): Promise<void> {
  const { services, admin, store, audit, clock } = control;
  const member = await control.member("member", ["default"]);
  const sweeps = sweepsOf(control);
  const opened: string[] = [];
  for (let console = 0; console < CONSOLES; console++) {
    const caller = console % 2 === 0 ? admin : member;
    opened.push((await services.consoles.open(caller, { machineId, api: "native" })).sessionId);
  }
  await services.consoles.open(admin, { machineId, api: "native", purpose: "thumbnail" });
  // One is left unopened, for the sweep.
  for (const [index, sessionId] of opened.slice(1).entries()) await carry(control, sessionId, index);
  for (const caller of [admin, member]) {
    for (const filter of [
      {},
      { state: "active" },
      { state: "closing" },
      { state: "ended" },
      { machineId },
    ] as const)
      await services.sessions.list(caller, { ...filter, limit: 20 });
    await services.sessions.search(caller, { redeemed: "open" }, { first: 0, size: 20 });
  }
  const closings = createClosings({ store, audit });
  for (const { id } of await services.nodes.list(admin)) await closings.of(id, "");
  clock.advance(10 * 60_000);
  for (const sweep of sweeps) await sweep();
  await services.accounts.update(admin, member.accountId, { disabled: true });
  await services.machines.update(admin, machineId, { state: "stopped" });
  await services.nodes.revoke(admin, otherNodeId);
  clock.advance(3 * 60 * 60_000);
  for (const sweep of sweeps) await sweep();
}

/** Redeems it, and ends it in one of three ways, or leaves it open. */
async function carry({ services, link, admin, store, clock }: OneControl, sessionId: string, index: number) {
  const { nodeId } = await services.sessions.get(admin, sessionId);
  const { incarnation } = await store.db
    .selectFrom("nodes")
    .select("incarnation")
    .where("id", "=", nodeId)
    .executeTakeFirstOrThrow();
  assert.ok(incarnation !== null);
  const { reopen } = await link.redeem(nodeId, {
    incarnation,
    sessionId,
    attachment: 1,
    viewerAddress: "192.0.2.9",
  });
  const report = { sessionId, attachment: 1, at: clock.now(), bytesToViewer: 1, bytesFromViewer: 1 };
  const ending = { kind: "closed", code: "viewer_closed" } as const;
  await link.takeReports({ nodeId, incarnation }, [{ ...report, state: "active" }]);
  if (index % 4 === 0) await services.sessions.end(admin, sessionId);
  if (index % 4 === 1)
    await link.takeReports({ nodeId, incarnation }, [{ ...report, state: "ended", ending }]);
  if (index % 4 === 2) await link.reopen({ credential: reopen, viewerAddress: "192.0.2.9" });
}

function sweepsOf(control: OneControl): readonly (() => Promise<unknown>)[] {
  return [
    createTicketSweep(control),
    createOfflineSweep(control),
    createUnreportedSweep(control),
    createThumbnailSweep(control.store),
    createSilentNodeSweep(control),
    createLostNodeSweep(control),
    createAuditSweep(control),
  ];
}

/** The history of years: of one machine in ten it is this one, and of one node and one account it is all. */
async function addEnded(
  url: Secret,
  count: number,
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
     from generate_series(1, ${count}) as n`,
  );
  await ask(url, "vacuum analyze");
}

async function costs(url: Secret): Promise<ReadonlyMap<string, Cost>> {
  const { rows } = await ask(
    url,
    `select query, sum(calls) as calls, sum(rows) as rows, sum(shared_blks_hit + shared_blks_read) as pages
     from pg_stat_statements join pg_database on pg_database.oid = dbid
     where datname = current_database() and query not like '%pg_stat_statements%' group by query`,
  );
  return new Map(
    rows.map(({ query, calls, rows: answered, pages }) => [
      String(query),
      { pages: Number(pages) / Number(calls), rows: Number(answered) / Number(calls) },
    ]),
  );
}
