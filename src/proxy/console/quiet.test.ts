import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeFramebufferUpdateRequest, encodePointerEvent } from "#protocols/rfb/messages.ts";
import { eventually } from "../../../test/harness/eventually.ts";
import { startTestNode } from "../../../test/harness/test-node.ts";
import { startRfbUpstream } from "../../../test/harness/test-upstream.ts";
import { TestViewer } from "../../../test/harness/test-viewer.ts";
import { Quiet } from "./quiet.ts";

const STILL = { bytesToViewer: 10, bytesFromViewer: 10, inputs: 1 };

test("a session is too quiet when no byte came for as long as is set, in either direction", () => {
  const quiet = new Quiet();
  const timeouts = { sessionTimeoutMs: 100, idleTimeoutMs: 0 };

  assert.equal(quiet.look(1_000, STILL, timeouts), undefined);
  assert.equal(quiet.look(1_099, STILL, timeouts), undefined);
  assert.equal(quiet.look(1_100, { ...STILL, bytesToViewer: 11 }, timeouts), undefined);
  assert.equal(quiet.look(1_199, { ...STILL, bytesToViewer: 11 }, timeouts), undefined);
  assert.equal(quiet.look(1_200, { ...STILL, bytesToViewer: 11 }, timeouts), "session_timeout");
});

test("it is idle when nobody typed or pointed, whatever was shown; nothing is set, nothing is ended", () => {
  const quiet = new Quiet();
  const timeouts = { sessionTimeoutMs: 100, idleTimeoutMs: 150 };
  const shows = (bytesToViewer: number) => ({ ...STILL, bytesToViewer });

  assert.equal(quiet.look(0, shows(1), timeouts), undefined);
  assert.equal(quiet.look(99, shows(2), timeouts), undefined);
  assert.equal(quiet.look(150, shows(3), timeouts), "session_idle");
  assert.equal(quiet.look(150, { ...shows(3), inputs: 2 }, timeouts), undefined);
  assert.equal(quiet.look(100_000, { ...shows(3), inputs: 2 }), undefined);
  assert.equal(
    quiet.look(200_000, { ...shows(3), inputs: 2 }, { sessionTimeoutMs: 0, idleTimeoutMs: 0 }),
    undefined,
  );
});

test("a console in which nothing moves is ended as control has it set, and its viewer told so", async () => {
  await using node = await startTestNode({
    deadlines: { pingMs: 100 },
    settings: { heartbeatIntervalMs: 100 },
  });
  await using machine = await startRfbUpstream();
  const { ticket, sessionId } = await node.control.issue({ upstream: machine.upstream });
  await using viewer = await TestViewer.porthole(node.origin, ticket);
  await viewer.handshake();

  // A running node obeys what is set later.
  node.control.settings = { ...node.control.settings, sessionTimeoutMs: 200 };

  assert.equal((await viewer.untilClosed()).code, 4418);
  const ending = { kind: "closed", code: "session_timeout", reference: sessionId };
  assert.deepEqual(viewer.texts.at(-1), { type: "ending", ending });
  await eventually(() => assert.deepEqual(node.control.endingOf(sessionId)?.ending, ending));
});

test("what a viewer says by itself is no input: the console is idle though its picture moves", async () => {
  await using node = await startTestNode({
    deadlines: { pingMs: 100 },
    settings: { idleTimeoutMs: 2_000, sessionTimeoutMs: 3_600_000 },
  });
  await using machine = await startRfbUpstream();
  const open = async () => {
    const { ticket } = await node.control.issue({ upstream: machine.upstream });
    const viewer = await TestViewer.porthole(node.origin, ticket);
    await viewer.handshake();
    return viewer;
  };
  await using idle = await open();
  await using busy = await open();
  const area = { x: 0, y: 0, width: 1, height: 1 };
  const talking = setInterval(() => {
    idle.send(encodeFramebufferUpdateRequest(true, area));
    busy.send(encodePointerEvent(0, 1, 1));
  }, 50);

  const closed = await idle.untilClosed().finally(() => clearInterval(talking));

  assert.equal(closed.reason, "session_idle");
  assert.equal(busy.webSocket.readyState, 1);
});
