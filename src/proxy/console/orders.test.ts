import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { PowerAction } from "#wire/power-action.ts";
import type { NodeMessage } from "#wire/viewer.ts";
import { eventually } from "../../../test/harness/eventually.ts";
import { startTestNode, type TestNode } from "../../../test/harness/test-node.ts";
import { startRfbUpstream, type TestUpstream } from "../../../test/harness/test-upstream.ts";
import { TestViewer } from "../../../test/harness/test-viewer.ts";

let node: TestNode;
let machine: TestUpstream;
before(async () => {
  node = await startTestNode();
  machine = await startRfbUpstream();
});
after(async () => {
  await machine?.[Symbol.asyncDispose]();
  await node?.[Symbol.asyncDispose]();
});

async function attached(options: { readonly takesOrders?: boolean } = { takesOrders: true }) {
  const { ticket, sessionId } = await node.control.issue({ upstream: machine.upstream, ...options });
  const viewer = await TestViewer.porthole(node.origin, ticket);
  await viewer.handshake();
  await eventually(() => assert.ok(viewer.texts.some(({ type }) => type === "attached")));
  return { viewer, sessionId };
}

function order(viewer: TestViewer, id: number, action: PowerAction): void {
  viewer.webSocket.send(JSON.stringify({ type: "power", id, action }));
}

async function powered(viewer: TestViewer, id: number): Promise<NodeMessage> {
  return await eventually(() => {
    const said = viewer.texts.find((text) => text.type === "powered" && text.id === id);
    assert.ok(said !== undefined);
    return said;
  });
}

test("a viewer's order is put to control for its session, and answered", async () => {
  const { viewer, sessionId } = await attached();
  await using _ = viewer;

  order(viewer, 7, "stop");

  assert.deepEqual(await powered(viewer, 7), { type: "powered", id: 7 });
  const { incarnation, ...asked } = node.control.orders.at(-1) ?? {};
  assert.deepEqual(asked, { sessionId, attachment: 1, action: "stop" });
  assert.equal(incarnation, node.control.registrations.at(-1)?.incarnation);
  const said = viewer.texts.find(({ type }) => type === "attached");
  assert.ok(said?.type === "attached" && said.takesOrders === true);
});

test("what control refuses the viewer is told, and the console stays", async () => {
  const { viewer } = await attached();
  await using _ = viewer;
  node.control.refusals.push({ call: "power", code: "access_withdrawn" });

  order(viewer, 1, "cut");

  assert.deepEqual(await powered(viewer, 1), { type: "powered", id: 1, error: { code: "access_withdrawn" } });
  order(viewer, 2, "restart");
  assert.deepEqual(await powered(viewer, 2), { type: "powered", id: 2 });
});

test("where the grant says nothing of orders, as an older control's, none is offered and control is not asked", async () => {
  const before = node.control.orders.length;
  const { viewer } = await attached({});
  await using _ = viewer;

  order(viewer, 1, "cut");

  assert.deepEqual(await powered(viewer, 1), { type: "powered", id: 1, error: { code: "no_hypervisor" } });
  assert.equal(node.control.orders.length, before);
  const said = viewer.texts.find(({ type }) => type === "attached");
  assert.ok(said?.type === "attached" && said.takesOrders === undefined);
});

test("of one session one order is under way at a time", async () => {
  const { viewer } = await attached();
  await using _ = viewer;
  const held = node.control.hold("power");

  order(viewer, 1, "stop");
  await held.asked;
  order(viewer, 2, "cut");

  assert.deepEqual(await powered(viewer, 2), { type: "powered", id: 2, error: { code: "rate_limited" } });
  held.answer();
  assert.deepEqual(await powered(viewer, 1), { type: "powered", id: 1 });
});
