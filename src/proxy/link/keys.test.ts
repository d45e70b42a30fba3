import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "../../../test/harness/eventually.ts";
import { startTestNode, type TestNode } from "../../../test/harness/test-node.ts";
import { startRfbUpstream } from "../../../test/harness/test-upstream.ts";
import { refusal, TestViewer, webSocketUrl } from "../../../test/harness/test-viewer.ts";

test("a node has said that it holds its first key before it is ready", async () => {
  await using node = await startTestNode();

  assert.equal(node.control.registrations[0]?.ticketGeneration, 0);
  assert.equal(node.control.heldGeneration, 1);
});

test("a new key that control tells of is held at once, beside the old one, and both open", async () => {
  await using node = await startTestNode();
  const { control } = node;
  control.rotate();
  const { incarnation } = control.registrations[0] ?? { incarnation: "" };

  const { body } = await control.command("keys", { incarnation, ticketKeys: control.wireKeys });

  assert.deepEqual(body, { ticketGeneration: 2 });
  await opens(node, 1);
  await opens(node, 2);
  const other = "another-start-of-it";
  const foreign = await control.command("keys", { incarnation: other, ticketKeys: control.wireKeys });
  assert.equal(foreign.error?.code, "node_superseded");
  const none = await control.command("keys", { incarnation, ticketKeys: [] });
  assert.equal(none.error?.code, "request_invalid");
});

test("a new key comes with a heartbeat as well, and one that control gives no more opens nothing any more", async () => {
  await using node = await startTestNode({ settings: { heartbeatIntervalMs: 100 } });
  const { control } = node;
  const { ticket } = await control.issue();

  control.rotate({ forget: true });
  await eventually(() => assert.equal(control.heldGeneration, 2));

  await opens(node, 2);
  const { body } = await refusal(`${webSocketUrl(node.origin)}/websockify?token=${ticket}`);
  assert.match(body, /ticket_foreign/);
});

test("the one key of an older control is that of the first generation", async () => {
  await using node = await startTestNode({ settings: { heartbeatIntervalMs: 100 } });
  const { control } = node;
  control.isOld = true;

  control.refusals.push({ call: "heartbeat", code: "node_superseded" });
  await eventually(() => assert.equal(control.registrations.length, 2));
  await eventually(() => assert.equal(control.heldGeneration, 1));

  await opens(node, 1);
});

async function opens({ control, origin }: TestNode, generation: number): Promise<void> {
  await using machine = await startRfbUpstream();
  const { ticket } = await control.issue({ upstream: machine.upstream, generation });
  await using viewer = await TestViewer.bare(origin, ticket);
  await viewer.handshake();
}
