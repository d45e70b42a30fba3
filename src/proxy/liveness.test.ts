import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "../../test/harness/eventually.ts";
import { startTestNode } from "../../test/harness/test-node.ts";
import { startRfbUpstream } from "../../test/harness/test-upstream.ts";
import { TestViewer } from "../../test/harness/test-viewer.ts";

test("a viewer that does not answer two pings is lost", async () => {
  await using impatient = await startTestNode({ deadlines: { pingMs: 40, closingMs: 200 } });
  await using machine = await startRfbUpstream();
  const { ticket, sessionId } = await impatient.control.issue({ upstream: machine.upstream });
  await using viewer = await TestViewer.bare(impatient.origin, ticket);
  await viewer.handshake();

  viewer.webSocket.pause();

  await eventually(() => assert.equal(impatient.control.endingOf(sessionId)?.ending?.code, "viewer_lost"));
  const { socket } = await machine.caller();
  await eventually(() => assert.ok(socket.readableEnded || socket.destroyed));
  viewer.webSocket.resume();
});

test("a viewer of a machine that stops reading is not the one that is lost", async () => {
  await using impatient = await startTestNode({
    deadlines: { pingMs: 100, standstillMs: 1_500, closingMs: 200 },
  });
  await using machine = await startRfbUpstream(({ socket }) => socket.pause());
  const { ticket, sessionId } = await impatient.control.issue({ upstream: machine.upstream });
  await using viewer = await TestViewer.porthole(impatient.origin, ticket);
  await viewer.handshake();
  const events = Buffer.alloc(6 * 20_000, Uint8Array.of(5, 0, 0, 1, 0, 1));

  // More than the kernel holds for a machine, so that the node waits and stops listening to the viewer.
  for (let sent = 0; sent < 200; sent++) viewer.send(events);

  const ending = await eventually(() => {
    const report = impatient.control.endingOf(sessionId);
    assert.ok(report !== undefined);
    return report.ending;
  });
  assert.deepEqual(ending, {
    kind: "failed",
    code: "upstream_timeout",
    detail: "it takes no input any more",
    reference: sessionId,
  });
});

test("a viewer with much before it is asked that it takes something, not that it answers", async () => {
  await using impatient = await startTestNode({
    deadlines: { pingMs: 40, standstillMs: 1_000, closingMs: 200 },
  });
  await using machine = await startRfbUpstream(({ socket }) => socket.write(Buffer.alloc(64 * 1024 * 1024)));
  const { ticket, sessionId } = await impatient.control.issue({ upstream: machine.upstream });
  await using viewer = await TestViewer.bare(impatient.origin, ticket);
  await viewer.handshake();

  const since = performance.now();
  viewer.webSocket.pause();
  await eventually(() => assert.equal(impatient.control.endingOf(sessionId)?.ending?.code, "viewer_lost"));

  assert.ok(performance.now() - since >= 900, "it had its time to take something");
  viewer.webSocket.resume();
});

test("a viewer that answers pings is kept", async () => {
  await using impatient = await startTestNode({ deadlines: { pingMs: 20 } });
  await using machine = await startRfbUpstream();
  const { ticket, sessionId } = await impatient.control.issue({ upstream: machine.upstream });
  await using viewer = await TestViewer.bare(impatient.origin, ticket);
  await viewer.handshake();
  let pings = 0;
  viewer.webSocket.on("ping", () => {
    pings += 1;
  });

  await eventually(() => assert.ok(pings > 5));

  assert.equal(impatient.control.endingOf(sessionId), undefined);
  assert.equal(viewer.closed, undefined);
});
