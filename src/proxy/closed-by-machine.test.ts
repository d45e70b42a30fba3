import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { ErrorCode } from "#wire/errors.ts";
import type { SessionReport } from "#wire/link.ts";
import type { ConsoleOptions } from "../../test/harness/console-options.ts";
import { eventually } from "../../test/harness/eventually.ts";
import { startTestNode, type TestNode } from "../../test/harness/test-node.ts";
import { startRfbUpstream } from "../../test/harness/test-upstream.ts";
import { TestViewer } from "../../test/harness/test-viewer.ts";

let node: TestNode;
before(async () => {
  node = await startTestNode();
});
after(async () => await node[Symbol.asyncDispose]());

/** A console that its machine closes: politely, or by breaking off. */
async function closed(
  { rudely = false, ...options }: ConsoleOptions & { readonly rudely?: boolean } = {},
  on: TestNode = node,
) {
  await using machine = await startRfbUpstream();
  const { ticket, sessionId } = await on.control.issue({
    upstream: machine.upstream,
    askWhy: true,
    ...options,
  });
  const viewer = await TestViewer.porthole(on.origin, ticket);
  await viewer.handshake();
  const { socket } = await machine.caller();
  if (rudely) socket.resetAndDestroy();
  else socket.end();
  return { viewer, sessionId };
}

for (const [rudely, looksLike] of [
  [false, "upstream_closed"],
  [true, "upstream_lost"],
] as const)
  test(`a console that looks like ${looksLike} ends with what its hypervisor says, and the viewer hears both`, async () => {
    node.control.reason = { code: "machine_moved" };
    const { viewer: opened, sessionId } = await closed({ rudely });
    await using viewer = opened;

    const { code } = await viewer.untilClosed();

    assert.equal(code, 4409);
    assert.deepEqual(viewer.texts.slice(-2), [
      { type: "closing", code: looksLike },
      { type: "ending", ending: { kind: "closed", code: "machine_moved", reference: sessionId } },
    ]);
    await untilReported(sessionId, "machine_moved");
  });

test("a machine that is where it was, has closed its console", async () => {
  node.control.reason = {};
  const { viewer: opened, sessionId } = await closed();
  await using viewer = opened;

  assert.equal((await viewer.untilClosed()).reason, "upstream_closed");
  await untilReported(sessionId, "upstream_closed");
});

test("a reason that this version does not know is none", async () => {
  node.control.reason = { code: "from_the_future" };
  const { viewer: opened } = await closed();
  await using viewer = opened;

  assert.equal((await viewer.untilClosed()).reason, "upstream_closed");
});

test("of a machine without a hypervisor, and by an older control, nothing is asked", async () => {
  node.control.reason = { code: "machine_gone" };
  const { viewer: opened } = await closed({ askWhy: false });
  await using viewer = opened;

  assert.equal((await viewer.untilClosed()).reason, "upstream_closed");
  assert.ok(!viewer.texts.some(({ type }) => type === "closing"));
});

test("a replica that is older than the question leaves it at what it looks like", async () => {
  node.control.refusals.push({ call: "why", code: "not_found" });
  const { viewer: opened } = await closed();
  await using viewer = opened;

  assert.equal((await viewer.untilClosed()).reason, "upstream_closed");
});

test("a control that does not answer keeps a viewer waiting for a bounded time", async () => {
  await using impatient = await startTestNode({ deadlines: { whyMs: 50 } });
  impatient.control.hold("why");
  const { viewer: opened } = await closed({}, impatient);
  await using viewer = opened;

  assert.equal((await viewer.untilClosed()).reason, "upstream_closed");
});

test("what control ends the session with meanwhile counts", async () => {
  const { asked, answer } = node.control.hold("why");
  const { viewer: opened, sessionId } = await closed();
  await using viewer = opened;
  await asked;

  const { incarnation } = node.control.registrations.at(-1) ?? { incarnation: "" };
  const sessions = [{ sessionId, attachment: 1, code: "machine_not_running" }];
  await node.control.command("end-sessions", { incarnation, sessions });

  assert.equal((await viewer.untilClosed()).reason, "machine_not_running");
  answer();
  await untilReported(sessionId, "machine_not_running");
});

test("a viewer that leaves after its machine did is not what ended the console", async () => {
  const { asked, answer } = node.control.hold("why");
  const { viewer, sessionId } = await closed();
  await asked;

  viewer.webSocket.close(1000);

  await untilReported(sessionId, "upstream_closed");
  answer();
});

test("what a viewer says while the machine is asked goes nowhere, and nobody minds", async () => {
  node.control.reason = { code: "machine_gone" };
  const { asked, answer } = node.control.hold("why");
  const { viewer: opened } = await closed();
  await using viewer = opened;
  await asked;

  viewer.send(Uint8Array.of(4, 1, 0, 0, 0, 0, 0, 0x61));
  viewer.webSocket.send('{"type":"ack","bytes":1}');
  viewer.webSocket.send('{"type":"ping","id":3}');
  await eventually(() => assert.deepEqual(viewer.texts.at(-1), { type: "pong", id: 3 }));
  answer();

  assert.equal((await viewer.untilClosed()).reason, "machine_gone");
});

async function untilReported(sessionId: string, code: ErrorCode): Promise<SessionReport> {
  return await eventually(() => {
    const report = node.control.endingOf(sessionId);
    assert.equal(report?.ending?.code, code);
    return report as SessionReport;
  });
}
