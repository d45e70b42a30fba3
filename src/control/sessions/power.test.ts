import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { commandHypervisor } from "../../../test/harness/command-hypervisor.ts";
import { type TestControl, type TestNode, testControl } from "../../../test/harness/control.ts";
import { onBoth } from "../../../test/harness/test-database.ts";
import type { Caller } from "../services.ts";

interface Opened {
  readonly node: TestNode;
  readonly sessionId: string;
  readonly takesOrders: boolean | undefined;
}

/** A console that a node has. */
async function opened(
  control: TestControl,
  caller: Caller,
  machineId: string,
  { viewOnly = false, on }: { readonly viewOnly?: boolean; readonly on?: TestNode } = {},
): Promise<Opened> {
  const node = on ?? (await control.node());
  const { sessionId } = await control.services.consoles.open(caller, { machineId, api: "native", viewOnly });
  const { takesOrders } = await control.link.redeem(node.id, {
    ...{ incarnation: node.incarnation, sessionId, attachment: 1, viewerAddress: "198.51.100.7" },
  });
  return { node, sessionId, takesOrders };
}

async function order(
  { link }: TestControl,
  { node, sessionId }: Pick<Opened, "node" | "sessionId">,
  asked: { readonly attachment?: number; readonly incarnation?: string; readonly nodeId?: string } = {},
): Promise<void> {
  const { attachment = 1, incarnation = node.incarnation, nodeId = node.id } = asked;
  await link.powerOf(nodeId, { incarnation, sessionId, attachment, action: "cut" });
}

for (const t of onBoth(
  "the viewer of a console has its machine's hypervisor stop it, by its own name",
  async () => {
    await using control = await testControl();
    const host = await commandHypervisor(control);
    const member = await control.member("ute", ["default"]);
    const console = await opened(control, member, host.machine.id);

    await order(control, console);

    assert.equal(console.takesOrders, true);
    assert.equal(host.power(), "stopped");
    const [row] = (await control.services.audit.list(control.admin, {})).items;
    assert.deepEqual(
      [row?.action, row?.result, row?.account, row?.object?.name, row?.sessionId, row?.address, row?.api],
      ["machine.cut", "ok", "ute", "web", console.sessionId, "198.51.100.7", "native"],
    );
  },
))
  test(...t);

for (const t of onBoth(
  "rights are judged when it is ordered, and a refusal is told and written down",
  async () => {
    await using control = await testControl();
    const host = await commandHypervisor(control);
    const member = await control.member("ute", ["default"]);
    const console = await opened(control, member, host.machine.id);
    // By the database alone: over the services the console would end with it.
    await control.store.db.deleteFrom("memberships").where("account_id", "=", member.accountId).execute();

    await assert.rejects(order(control, console), { code: "access_withdrawn" });

    assert.equal(host.power(), "running");
    const [row] = (await control.services.audit.list(control.admin, {})).items;
    assert.deepEqual(
      [row?.action, row?.result, row?.account, row?.object?.name, row?.sessionId],
      ["machine.cut", "access_withdrawn", "ute", "web", console.sessionId],
    );
  },
))
  test(...t);

test("who may only look gives no orders, and is not offered any", async () => {
  await using control = await testControl();
  const host = await commandHypervisor(control);
  const console = await opened(control, control.admin, host.machine.id, { viewOnly: true });

  await assert.rejects(order(control, console), { code: "forbidden" });

  assert.equal(console.takesOrders, undefined);
  assert.equal(host.power(), "running");
});

test("a node orders for the sessions alone that it carries, while they are open", async () => {
  await using control = await testControl();
  const host = await commandHypervisor(control);
  const console = await opened(control, control.admin, host.machine.id);
  const other = await control.node();

  for (const asked of [{ nodeId: other.id }, { incarnation: randomUUID() }, { attachment: 2 }])
    await assert.rejects(order(control, console, asked), { code: "session_ended" });
  await control.services.sessions.end(control.admin, console.sessionId);
  await assert.rejects(order(control, console), { code: "session_ended" });

  assert.equal(host.power(), "running");
});

test("a machine whose hypervisor is not asked is not offered any orders, and a node that orders them is refused", async () => {
  await using control = await testControl();
  const shown = await commandHypervisor(control, { readOnly: true });
  const manual = await control.machine();
  const ofShown = await opened(control, control.admin, shown.machine.id);
  const ofManual = await opened(control, control.admin, manual.id, { on: ofShown.node });

  await assert.rejects(order(control, ofShown), { code: "hypervisor_read_only" });
  await assert.rejects(order(control, ofManual), { code: "no_hypervisor" });

  assert.deepEqual([ofShown.takesOrders, ofManual.takesOrders], [undefined, undefined]);
});
