import assert from "node:assert/strict";
import { test } from "node:test";
import { type TestControl, type TestNode, testControl } from "../../../test/harness/control.ts";
import { onBoth } from "../../../test/harness/test-database.ts";
import type { AuditEntry } from "../audit/audit.ts";
import { prepareExclusiveInsert, prepareSessionInsert, type SessionInsert } from "./session-insert.ts";

for (const t of onBoth(
  "a session is written where its node is what it was chosen for, and the place free",
  async () => {
    await using control = await testControl();
    const node = await control.node();

    assert.equal(await insert(control, node), "written");
    assert.equal(await insert(control, node, { place: 1 }), "written");
  },
))
  test(...t);

for (const t of onBoth("a place is given once, and again when its session is over", async () => {
  await using control = await testControl();
  const node = await control.node();
  await insert(control, node);

  assert.equal(await insert(control, node), "refused");
  await control.store.db.updateTable("sessions").set({ state: "ended" }).execute();
  assert.equal(await insert(control, node), "written");
}))
  test(...t);

for (const t of onBoth("a node that has changed since it was chosen is given nothing", async () => {
  await using control = await testControl();
  const node = await control.node();
  const update = async (columns: { readonly draining_at: number | null } | { readonly seen_at: number }) =>
    void (await control.store.db.updateTable("nodes").set(columns).where("id", "=", node.id).execute());

  assert.equal(await insert(control, node, { incarnation: "another start" }), "refused");
  assert.equal(await insert(control, node, { ticket_generation: 2 }), "refused");
  await update({ draining_at: 1 });
  assert.equal(await insert(control, node), "refused");
  await update({ draining_at: null });
  control.clock.advance(15_001);
  assert.equal(await insert(control, node, { place: 1 }), "refused");
  await update({ seen_at: control.clock.now() });
  await control.store.db.updateTable("ticket_keys").set({ retiring_at: 1 }).execute();
  assert.equal(await insert(control, node, { place: 1 }), "refused");
}))
  test(...t);

for (const t of onBoth(
  "a console that bears one connection is given to the node that holds it alone",
  async () => {
    await using control = await testControl();
    const [holder, other] = [await control.node(), await control.node()];
    const seat = prepareExclusiveInsert(control);
    const drain = async (node: TestNode) =>
      void (await control.store.db
        .updateTable("nodes")
        .set({ draining_at: 1 })
        .where("id", "=", node.id)
        .execute());

    assert.equal(await insert(control, holder, {}, seat), "written");
    assert.equal(await insert(control, other, { place: 1 }, seat), "refused");
    assert.equal(await insert(control, other, { place: 1, machine_id: "another" }, seat), "written");
    await drain(holder);
    assert.equal(await insert(control, holder, { place: 2 }, seat), "written");
    assert.equal(await insert(control, holder, { place: 3, machine_id: "new here" }, seat), "refused");
    await control.store.db.updateTable("sessions").set({ state: "ended" }).execute();
    assert.equal(await insert(control, holder, { place: 4 }, seat), "refused");
    assert.equal(await insert(control, other, { place: 4 }, seat), "written");
  },
))
  test(...t);

for (const t of onBoth("the audit log tells of a session that is written, and of no other", async () => {
  await using control = await testControl();
  const node = await control.node();
  const write = prepareSessionInsert(control);
  const told: AuditEntry = {
    action: "console.issue",
    by: { accountId: "account", name: "somebody", nodeId: node.id, address: "192.0.2.1", api: "native" },
    object: { kind: "machine", id: "machine", name: "web" },
    sessionId: "session",
    detail: "with umlauts: ü",
  };
  const counted = () => control.audit.counters.written.get("console.issue ok") ?? 0;

  assert.equal(await insert(control, node, {}, write, told), "written");
  assert.equal(await insert(control, node, {}, write, told), "refused");
  assert.equal(await insert(control, node, { place: 1 }, write), "written");

  const rows = await control.services.audit.list(control.admin, { action: "console.issue" });
  assert.deepEqual(
    rows.items.map(({ id: _, at: __, ...row }) => row),
    [
      {
        action: "console.issue",
        result: "ok",
        accountId: "account",
        account: "somebody",
        nodeId: node.id,
        address: "192.0.2.1",
        api: "native",
        object: { kind: "machine", id: "machine", name: "web" },
        sessionId: "session",
        detail: "with umlauts: ü",
      },
    ],
  );
  assert.equal(counted(), 1);
}))
  test(...t);

let sessions = 0;

async function insert(
  control: TestControl,
  node: TestNode,
  values: Partial<SessionInsert> = {},
  write = prepareSessionInsert(control),
  told?: AuditEntry,
): Promise<"written" | "refused"> {
  sessions += 1;
  const isWritten = await write(
    control.store.db,
    {
      id: `session-${sessions}`,
      account_id: "account",
      account_name: "somebody",
      api_key: null,
      project_id: "project",
      machine_id: "machine",
      machine_name: "web",
      protocol: "rfb",
      api: "native",
      view_only: 0,
      purpose: "console",
      node_id: node.id,
      incarnation: node.incarnation,
      attachment: 1,
      place: 0,
      created_at: 0,
      ticket_expires_at: 60_000,
      creator_address: "192.0.2.1",
      bound_address: null,
      offline_grant: null,
      silence_ms: 15_000,
      ticket_generation: 1,
      ...values,
    },
    told,
  );
  return isWritten ? "written" : "refused";
}
