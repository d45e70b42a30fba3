import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "../../test/harness/eventually.ts";
import { startTestNode, type TestNode } from "../../test/harness/test-node.ts";
import { startRfbUpstream, type TestUpstream } from "../../test/harness/test-upstream.ts";
import { refusal, TestViewer, webSocketUrl } from "../../test/harness/test-viewer.ts";

const NEVER = new AbortController().signal;
const LONG_MS = 3_600_000;

async function watch(node: TestNode, machine: TestUpstream): Promise<TestViewer> {
  const { ticket } = await node.control.issue({ upstream: machine.upstream });
  const viewer = await TestViewer.porthole(node.origin, ticket);
  await viewer.handshake();
  return viewer;
}

async function command(node: TestNode, call: "drain" | "leave", body: object) {
  const { incarnation = "" } = node.control.registrations.at(-1) ?? {};
  return await node.control.command(call, { incarnation, ...body });
}

async function isReady(node: TestNode): Promise<number> {
  return (await fetch(`${node.proxy.admin}/readyz`)).status;
}

function notices({ texts }: TestViewer) {
  return texts.filter(({ type }) => type === "notice");
}

test("a node that control drains tells viewers where they are to be told, and goes on with who comes", async () => {
  await using node = await startTestNode({ flags: { "admin-listen": "127.0.0.1:0" } });
  await using machine = await startRfbUpstream();
  await using quiet = await watch(node, machine);
  await command(node, "drain", { draining: { code: "node_restarting", warn: false } });
  assert.equal(await isReady(node), 503);
  assert.deepEqual(notices(quiet), []);

  const deadline = node.control.now + 60_000;
  await command(node, "drain", { draining: { code: "node_restarting", deadline, warn: true } });
  await using late = await watch(node, machine);

  for (const viewer of [quiet, late]) {
    await eventually(() => assert.equal(notices(viewer).length, 1));
    const [notice] = notices(viewer) as { code?: string; inMs?: number }[];
    assert.equal(notice?.code, "node_restarting");
    // How far off the node takes control's clock to be is as exact as an answer is quick.
    assert.ok((notice.inMs ?? 0) > 0 && (notice.inMs ?? 0) < 120_000, `${notice.inMs}`);
  }
  await command(node, "drain", {});
  await eventually(() => assert.deepEqual(notices(quiet).at(-1), { type: "notice" }));
  assert.equal(await isReady(node), 200);
});

test("a node leaves when control wants it and nobody is in it, and not before", async () => {
  await using node = await startTestNode();
  await using machine = await startRfbUpstream();
  await using viewer = await watch(node, machine);

  assert.deepEqual((await command(node, "leave", { how: "restart" })).body, { leaves: false });
  viewer.webSocket.close();
  await viewer.untilClosed();
  await eventually(async () =>
    assert.deepEqual((await command(node, "leave", { how: "restart" })).body, { leaves: true }),
  );

  assert.equal(await node.proxy.left, "restart");
  const other = { incarnation: "another-start-of-the-node" };
  assert.equal((await command(node, "leave", { how: "stop", ...other })).error?.code, "node_superseded");
  assert.equal((await command(node, "drain", other)).error?.code, "node_superseded");
});

test("a node that is to stop tells control, waits for who is there, and sends others elsewhere", async () => {
  await using node = await startTestNode();
  await using machine = await startRfbUpstream();
  await using viewer = await watch(node, machine);
  let isOver = false;

  const waiting = node.proxy.waitForSessions(LONG_MS, NEVER).then(() => {
    isOver = true;
  });
  await eventually(() => assert.ok(node.control.leaving !== undefined));
  await eventually(() => assert.equal(notices(viewer).length, 1));

  const unspent = await node.control.issue({ upstream: machine.upstream });
  const bare = await eventually(
    async () => await refusal(`${webSocketUrl(node.origin)}/?token=${unspent.ticket}`),
  );
  assert.deepEqual([bare.status, JSON.parse(bare.body).error.code], [503, "node_draining"]);
  assert.ok(!node.control.redemptions.some(({ sessionId }) => sessionId === unspent.sessionId));
  const { ticket, sessionId } = await node.control.issue({ upstream: machine.upstream });
  await using sent = await TestViewer.porthole(node.origin, ticket);
  await sent.untilClosed();
  assert.deepEqual(sent.texts.at(-1), {
    type: "ending",
    ending: { kind: "refused", code: "node_draining", reference: sessionId },
    reopen: `reopen-${sessionId}`,
  });
  await eventually(() => assert.equal(node.control.endingOf(sessionId)?.ending?.code, "node_draining"));
  assert.equal(machine.callers.length, 1, "nothing was dialled for who was sent elsewhere");

  assert.equal(isOver, false);
  const caller = await machine.caller();
  caller.socket.write("still here");
  await eventually(() => assert.equal(viewer.bytes.toString(), "still here"));
  viewer.webSocket.close();
  await waiting;
});

test("who is being let in when a node is to stop is waited for, and nobody's ticket is spent for nothing", async () => {
  await using node = await startTestNode();
  await using machine = await startRfbUpstream();
  const redemption = node.control.hold("redeem");
  const { ticket } = await node.control.issue({ upstream: machine.upstream });
  const knocking = TestViewer.bare(node.origin, ticket);
  await redemption.asked;
  let isOver = false;

  const waiting = node.proxy.waitForSessions(LONG_MS, NEVER).then(() => {
    isOver = true;
  });
  const { ticket: unspent } = await node.control.issue({ upstream: machine.upstream });
  const url = `${webSocketUrl(node.origin)}/?token=${unspent}`;
  await eventually(async () => assert.equal((await refusal(url)).status, 503));
  redemption.answer();

  await using viewer = await knocking;
  const caller = await machine.caller();
  await viewer.handshake();
  caller.socket.write("let in");
  await eventually(() => assert.equal(viewer.bytes.toString(), "let in"));
  assert.equal(isOver, false);
  viewer.webSocket.close();
  await waiting;
});

test("a node that is to stop with nobody in it tells control too, and lets nobody in", async () => {
  await using node = await startTestNode();
  await using machine = await startRfbUpstream();

  await node.proxy.waitForSessions(LONG_MS, NEVER);

  assert.ok(node.control.leaving !== undefined);
  const { ticket, sessionId } = await node.control.issue({ upstream: machine.upstream });
  assert.equal((await refusal(`${webSocketUrl(node.origin)}/?token=${ticket}`)).status, 503);
  assert.ok(!node.control.redemptions.some((redeemed) => redeemed.sessionId === sessionId));
});

test("the wait is over at its end, and at once when it is told so", async () => {
  await using node = await startTestNode();
  await using machine = await startRfbUpstream();
  await using viewer = await watch(node, machine);

  await node.proxy.waitForSessions(1, NEVER);
  await node.proxy.waitForSessions(0, NEVER);
  const now = new AbortController();
  const waiting = node.proxy.waitForSessions(LONG_MS, now.signal);
  now.abort();
  await waiting;

  await node.stop();
  assert.equal((await viewer.untilClosed()).reason, "node_stopping");
});

test("a node that control does not hear waits for its sessions all the same", async () => {
  await using node = await startTestNode();
  await using machine = await startRfbUpstream();
  await using viewer = await watch(node, machine);
  node.control.mood = "drop";

  const waiting = node.proxy.waitForSessions(LONG_MS, NEVER);
  await eventually(() => assert.match(node.log(), /could not be told that this node is to stop/));
  assert.equal(viewer.webSocket.readyState, 1);
  viewer.webSocket.close();

  await waiting;
});
