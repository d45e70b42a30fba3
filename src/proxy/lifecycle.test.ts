import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fingerprint } from "#tls/node-identity.ts";
import { FORGOTTEN } from "#wire/link-refusals.ts";
import { eventually } from "../../test/harness/eventually.ts";
import type { LinkDouble } from "../../test/harness/link-double.ts";
import { startTestNode } from "../../test/harness/test-node.ts";
import { startRfbUpstream } from "../../test/harness/test-upstream.ts";
import { refusal, TestViewer, webSocketUrl } from "../../test/harness/test-viewer.ts";

test("a node registers with its origins and how much it carries, as a new start each time", async () => {
  await using first = await startTestNode({ flags: { "max-sessions": "7" } });
  await using second = await startTestNode();

  const [registration] = first.control.registrations;
  assert.equal(registration?.pageOrigin, first.origin);
  assert.equal(registration?.webSocketOrigin, first.origin);
  assert.equal(registration?.maximumSessions, 7);
  assert.notEqual(registration?.incarnation, second.control.registrations[0]?.incarnation);
});

test("a node beats, and obeys the settings that come back", async () => {
  await using node = await startTestNode({ settings: { heartbeatIntervalMs: 100 } });
  node.control.settings = { ...node.control.settings, frameAncestors: ["https://new.example"] };

  await eventually(async () => {
    const { headers } = await fetch(`${node.origin}/p/x/console.html`);
    assert.match(headers.get("content-security-policy") ?? "", /frame-ancestors https:\/\/new\.example/);
  });
});

test("a node that control does not know any more registers again", async () => {
  await using node = await startTestNode({ settings: { heartbeatIntervalMs: 100 } });

  node.control.refusals.push({ call: "heartbeat", code: "node_superseded" });

  await eventually(() => assert.equal(node.control.registrations.length, 2));
  const [first, second] = node.control.registrations;
  assert.equal(first?.incarnation, second?.incarnation);
  assert.match(node.log(), /does not know this start/);
});

test("a start that a newer one has replaced is over", async () => {
  await using node = await startTestNode({ settings: { heartbeatIntervalMs: 100 } });

  node.control.refusals.push({ call: "heartbeat", code: "node_superseded" });
  node.control.refusals.push({ call: "register", code: "node_superseded" });

  await assert.rejects(node.proxy.kept, { code: "node_superseded" });
});

test("consoles go on while control is away, and what became of them is reported when it is back", async () => {
  await using node = await startTestNode({ settings: { heartbeatIntervalMs: 100 } });
  await using machine = await startRfbUpstream();
  const { ticket, sessionId } = await node.control.issue({ upstream: machine.upstream });
  await using viewer = await TestViewer.bare(node.origin, ticket);
  await viewer.handshake();

  node.control.mood = "drop";
  await eventually(() => assert.match(node.log(), /Control does not answer as it should/));
  const caller = await machine.caller();
  caller.socket.write("still here");
  await eventually(() => assert.equal(viewer.bytes.toString(), "still here"));
  viewer.webSocket.close();
  await viewer.untilClosed();
  node.control.mood = "answer";

  await eventually(() => assert.equal(node.control.endingOf(sessionId)?.ending?.code, "viewer_closed"));
  await eventually(() => assert.match(node.log(), /Control answers again/));
});

test("what control wants over is ended, and its viewer is told why", async () => {
  await using node = await startTestNode();
  await using machine = await startRfbUpstream();
  const { ticket, sessionId } = await node.control.issue({ upstream: machine.upstream });
  await using viewer = await TestViewer.porthole(node.origin, ticket);
  await viewer.handshake();
  const { incarnation = "" } = node.control.registrations[0] ?? {};
  const end = (id: string, attachment = 1) => ({
    sessionId: id,
    attachment,
    code: "session_ended",
    detail: "by admin",
  });
  const command = async (sessions: readonly object[], start = incarnation) =>
    await node.control.command("end-sessions", { incarnation: start, sessions });

  assert.equal((await command([end(sessionId)], "another-start-of-it")).error?.code, "node_superseded");
  assert.equal((await command([{ sessionId }])).error?.code, "request_invalid");
  const { body } = await command([end("of nobody"), end(sessionId, 2), end(sessionId)]);
  assert.deepEqual(body, { unknown: ["of nobody", sessionId] });

  await viewer.untilClosed();
  const ending = { kind: "closed", code: "session_ended", detail: "by admin", reference: sessionId };
  assert.deepEqual(viewer.texts.at(-1), { type: "ending", ending });
  await eventually(() => assert.deepEqual(node.control.endingOf(sessionId)?.ending, ending));
});

test("when control is back it is told of every console that is open, and has what is over ended", async () => {
  await using node = await startTestNode({ settings: { heartbeatIntervalMs: 100 } });
  await using machine = await startRfbUpstream();
  const [one, two] = [
    await node.control.issue({ upstream: machine.upstream }),
    await node.control.issue({ upstream: machine.upstream }),
  ];
  await using kept = await TestViewer.bare(node.origin, one.ticket);
  await kept.handshake();
  await using given = await TestViewer.porthole(node.origin, two.ticket);
  await given.handshake();
  const said = (id: string) => node.control.reports.filter(({ sessionId }) => sessionId === id).length;
  await eventually(() => assert.deepEqual([said(one.sessionId), said(two.sessionId)], [1, 1]));

  node.control.mood = "drop";
  await eventually(() => assert.match(node.log(), /Control does not answer as it should/));
  node.control.over.push({ sessionId: two.sessionId, attachment: 1, code: "node_lost" });
  node.control.mood = "answer";

  await given.untilClosed();
  const last = given.texts.at(-1);
  assert.ok(last?.type === "ending" && last.ending.code === "node_lost", JSON.stringify(last));
  assert.equal(said(one.sessionId), 2);
  assert.equal(kept.webSocket.readyState, 1);
});

test("a node whose certificate ends keeps its consoles, takes no new ones, and says what to do", async () => {
  const year = 365 * 24 * 3_600_000;
  await using node = await startTestNode({ settings: { heartbeatIntervalMs: 100 } });
  await using machine = await startRfbUpstream();
  const [first, second] = [
    await node.control.issue({ upstream: machine.upstream }),
    await node.control.issue({ upstream: machine.upstream, claims: { expiresAt: Date.now() + 2 * year } }),
  ];
  await using viewer = await TestViewer.bare(node.origin, first.ticket);
  await viewer.handshake();

  node.control.clockOffsetMs = year + 60_000;
  await eventually(() => assert.match(node.log(), /certificate has ended, it takes no new consoles/));
  for (let times = 0; times < 3; times++)
    node.control.refusals.push({ call: "heartbeat", code: "node_refused" });
  const beats = node.control.heartbeats;
  await eventually(() => assert.ok(node.control.heartbeats > beats));

  assert.equal(node.control.refusals.length, 0);
  const refused = await refusal(`${webSocketUrl(node.origin)}/?token=${second.ticket}`);
  const { code, detail } = JSON.parse(refused.body).error;
  assert.deepEqual(
    { code, detail },
    { code: "control_unreachable", detail: "the console node has to join again" },
  );
  assert.equal(node.control.redemptions.length, 1);
  assert.equal(node.log().split("certificate has ended").length, 2, "it is said once a day");
  (await machine.caller()).socket.write("still here");
  await eventually(() => assert.equal(viewer.bytes.toString(), "still here"));
});

for (const code of ["node_refused", "node_forgotten"] as const)
  test(`a node that control ends with ${code} though its certificate is good is over`, async () => {
    await using node = await startTestNode({ settings: { heartbeatIntervalMs: 100 } });

    node.control.refusals.push({ call: "heartbeat", code });

    await assert.rejects(node.proxy.kept, { code });
  });

test("a node that control has forgotten joins anew when it starts, once", async () => {
  await using node = await startTestNode({
    prepare: ({ refusals }) => refusals.push({ call: "channel", code: "node_refused", detail: FORGOTTEN }),
  });

  assert.equal(node.control.joins.length, 2);
  assert.match(node.log(), /Control does not know this node any more, it joins anew/);
  const path = join(node.folder, "data", "node-identity.json");
  const { certificate } = JSON.parse(readFileSync(path, "utf8"));
  assert.equal(node.control.shown.at(-1), fingerprint(certificate));
  const twice = startTestNode({
    prepare: ({ refusals }) => {
      for (let times = 0; times < 2; times++)
        refusals.push({ call: "channel", code: "node_refused", detail: FORGOTTEN });
    },
  });
  await assert.rejects(twice, { code: "node_forgotten" });
});

test("a node that is refused does not join anew", async () => {
  const joins: LinkDouble["joins"][] = [];

  const refused = startTestNode({
    prepare: (control) => {
      control.refusals.push({ call: "channel", code: "node_refused" });
      joins.push(control.joins);
    },
  });

  await assert.rejects(refused, { code: "node_refused" });
  assert.equal(joins[0]?.length, 1);
});

test("tickets are judged by control's clock", async () => {
  const hour = 3_600_000;
  await using node = await startTestNode({ clockOffsetMs: -hour });
  await using machine = await startRfbUpstream();
  const inOurTime = await node.control.issue({
    upstream: machine.upstream,
    claims: { expiresAt: Date.now() - hour + 60_000 },
  });
  const expired = await node.control.issue({
    upstream: machine.upstream,
    claims: { expiresAt: Date.now() - hour - 60_000 },
  });

  await using viewer = await TestViewer.bare(node.origin, inOurTime.ticket);
  const refused = await refusal(`${webSocketUrl(node.origin)}/?token=${expired.ticket}`);

  assert.equal((await viewer.handshake()).name, "web-1");
  assert.equal(JSON.parse(refused.body).error.code, "ticket_expired");
});

test("a node that is stopped ends its consoles, says why, reports, and signs off", async () => {
  await using node = await startTestNode();
  await using machine = await startRfbUpstream();
  const { ticket, sessionId } = await node.control.issue({ upstream: machine.upstream });
  const other = await node.control.issue({ upstream: machine.upstream });
  await using viewer = await TestViewer.porthole(node.origin, ticket);
  await viewer.handshake();
  await using opening = await TestViewer.bare(node.origin, other.ticket);

  await node.stop();

  assert.deepEqual(await viewer.untilClosed(), { code: 4461, reason: "node_stopping" });
  assert.deepEqual(viewer.texts.at(-1), {
    type: "ending",
    ending: { kind: "failed", code: "node_stopping", reference: sessionId },
  });
  assert.equal((await opening.untilClosed()).reason, "node_stopping");
  assert.equal(node.control.endingOf(sessionId)?.ending?.code, "node_stopping");
  assert.equal(node.control.endingOf(other.sessionId)?.ending?.code, "node_stopping");
  assert.equal(node.control.deregistered, 1);
  for (const { socket } of machine.callers)
    await eventually(() => assert.ok(socket.destroyed || socket.readableEnded));
  await assert.rejects(fetch(node.origin));
});

test("a node stops in time though its viewers, its machine and control are all deaf", async () => {
  await using node = await startTestNode({ deadlines: { closingMs: 100, lastReportsMs: 100 } });
  await using machine = await startRfbUpstream(({ socket }) => socket.pause());
  const { ticket } = await node.control.issue({ upstream: machine.upstream });
  await using viewer = await TestViewer.bare(node.origin, ticket);
  await viewer.handshake();
  viewer.webSocket.pause();
  node.control.mood = "silence";

  const stopping = performance.now();
  await node.stop();

  assert.ok(performance.now() - stopping < 8_000);
  viewer.webSocket.resume();
});
