import assert from "node:assert/strict";
import { test } from "node:test";
import { type CuttableWay, openWay } from "../harness/cut.ts";
import { eventually } from "../harness/eventually.ts";
import { type Fleet, type OpenConsole, startFleet } from "../harness/fleet.ts";
import { lackingPostgres } from "../harness/postgres.ts";
import { scratch } from "../harness/scratch.ts";
import { createDatabase } from "../harness/shared-postgres.ts";
import { refusal, TestViewer, webSocketUrl } from "../harness/test-viewer.ts";

const skip = lackingPostgres;

test("a node whose replica is killed, or stands still, goes on with another one", { skip }, async () => {
  await using fleet = await startFleet(3, await createDatabase());
  await fleet.node();
  const { sessionId } = await fleet.open();

  // Whichever it has: after two losses it must be at the third.
  await fleet.replicas[0]?.process.stop("SIGKILL");
  const killed = await openAt(fleet, 1);
  signal(fleet, 1, "SIGSTOP");
  try {
    const stood = await openAt(fleet, 2);
    for (const id of [sessionId, killed.sessionId, stood.sessionId]) await fleet.untilState(id, "active", 2);
  } finally {
    signal(fleet, 1, "SIGCONT");
  }
});

test("with all replicas dead, consoles go on, no link opens, and what ended is reported once", {
  skip,
}, async () => {
  await using fleet = await startFleet(1, await createDatabase());
  await using way = await openWay(portOf(fleet.replicas[0]?.link ?? ""));
  await fleet.node({ links: [`https://127.0.0.1:${way.port}`] });
  const { sessionId, viewer } = await fleet.open();
  const { websocket } = await fleet.api().openConsole(fleet.machineId);
  await fleet.untilState(sessionId, "active");

  way.cut("hung up");
  const caller = await fleet.machine.caller();
  caller.socket.write("still here");
  await eventually(() => assert.ok(viewer.bytes.toString("latin1").includes("still here")));
  const url = `${webSocketUrl(`http://${websocket.host}:${websocket.port}`)}/websockify?token=${websocket.token}`;
  assert.equal(await codeOf(url), "control_unreachable");
  viewer.webSocket.close();
  await viewer.untilClosed();
  way.mend();

  await fleet.untilState(sessionId, "ended");
  const { ending, bytesToViewer } = await fleet.api().session(sessionId);
  assert.equal(ending?.code, "viewer_closed");
  assert.ok(bytesToViewer >= "still here".length);
  assert.equal(
    await codeOf(url),
    "ticket_used",
    "a ticket that was shown while nobody could judge it is spent",
  );
});

test("a node that is killed is missed, and what it carried is lost when it starts anew; old links open nothing", {
  skip,
}, async () => {
  await using fleet = await startFleet(1, await createDatabase());
  await using folder = scratch();
  const node = await fleet.node({ data: folder.path });
  const { sessionId, viewer } = await fleet.open();
  await fleet.untilState(sessionId, "active");
  const { websocket } = await fleet.api().openConsole(fleet.machineId);

  await node.process.stop("SIGKILL");
  await viewer.untilClosed();
  await fleet.untilState(sessionId, "detached");
  const again = await fleet.node({ data: folder.path });

  assert.equal(again.id, node.id);
  await fleet.untilState(sessionId, "ended");
  const { ending } = await fleet.api().session(sessionId);
  assert.deepEqual(ending, { kind: "failed", code: "node_lost" });
  const url = `${webSocketUrl(again.node)}/websockify?token=${websocket.token}`;
  assert.equal(await codeOf(url), "ticket_foreign");
});

test("a node that does not come back has lost its sessions after session.lost.timeout", {
  skip,
}, async () => {
  await using fleet = await startFleet(1, await createDatabase());
  await fleet.api().call("PUT", "settings/session.lost.timeout", { value: "10000" });
  const node = await fleet.node();
  const { sessionId } = await fleet.open();
  await fleet.untilState(sessionId, "active");

  await node.process.stop("SIGKILL");

  await fleet.untilState(sessionId, "detached");
  await fleet.untilState(sessionId, "ended");
  assert.equal((await fleet.api().session(sessionId)).ending?.code, "node_lost");
});

for (const how of ["silent", "hung up"] as const) {
  test(`a node that is cut off (${how}) takes nothing new, and its sessions are active again when it is back`, {
    skip,
  }, async () => {
    await using fleet = await startFleet(1, await createDatabase());
    await using way = await openWay(portOf(fleet.replicas[0]?.link ?? ""));
    await fleet.node({ links: [`https://127.0.0.1:${way.port}`] });
    const console = await fleet.open();
    await fleet.untilState(console.sessionId, "active");

    way.cut(how);
    await fleet.untilState(console.sessionId, "detached");
    await assert.rejects(fleet.api().openConsole(fleet.machineId), /no_node_available/);
    await says(fleet, console, "through it all");
    way.mend();

    await fleet.untilState(console.sessionId, "active");
    await eventually(async () => void (await fleet.open()));
    assert.equal(console.viewer.closed, undefined);
  });
}

test("a console that is ended at one replica is over at the viewer, whichever replica has its node", {
  skip,
}, async () => {
  await using fleet = await startFleet(3, await createDatabase());
  await fleet.node();
  const consoles = [await fleet.open(), await fleet.open(), await fleet.open()];

  for (const [replica, { sessionId, viewer }] of consoles.entries()) {
    await fleet.untilState(sessionId, "active");
    await fleet.api(replica).call("POST", `sessions/${sessionId}/end`);

    await viewer.untilClosed();
    assert.equal(endingOf(viewer), "session_ended");
    await fleet.untilState(sessionId, "ended");
  }
});

test("what is withdrawn while a node is cut off is ended when it is back", { skip }, async () => {
  await using fleet = await startFleet(2, await createDatabase());
  await using ways = await waysTo(fleet);
  await fleet.node({ links: ways.links });
  const { sessionId, viewer } = await fleet.open();
  await fleet.untilState(sessionId, "active");

  ways.each((way) => way.cut("silent"));
  await fleet.untilState(sessionId, "detached");
  await fleet.api(1).call("DELETE", `machines/${fleet.machineId}`);
  await fleet.untilState(sessionId, "closing");
  assert.equal(viewer.closed, undefined);
  ways.each((way) => way.mend());

  await viewer.untilClosed();
  assert.equal(endingOf(viewer), "machine_gone");
  await fleet.untilState(sessionId, "ended");
});

test("one link that a thousand connections show at once, over three nodes and three replicas, opens once", {
  skip,
}, async () => {
  await using fleet = await startFleet(3, await createDatabase());
  const nodes = await Promise.all([fleet.node(), fleet.node(), fleet.node()]);
  const { sessionId, websocket } = await fleet.api().openConsole(fleet.machineId);

  const outcomes = await Promise.all(
    Array.from({ length: 1_000 }, async (_, index) => {
      const { node = "" } = nodes[index % nodes.length] ?? {};
      return await tryToOpen(`${webSocketUrl(node)}/websockify?token=${websocket.token}`);
    }),
  );

  assert.equal(outcomes.filter((outcome) => outcome === "opened").length, 1);
  await fleet.untilState(sessionId, "ended");
  assert.equal(fleet.machine.callers.length, 1);
});

/** Opens a console at that replica, with the node wherever it is by now. */
async function openAt(fleet: Fleet, replica: number): Promise<OpenConsole> {
  return await eventually(async () => await fleet.open(replica));
}

async function says(fleet: Fleet, { viewer }: OpenConsole, text: string): Promise<void> {
  (await fleet.machine.caller()).socket.write(text);
  await eventually(() => assert.ok(viewer.bytes.toString("latin1").includes(text)));
}

async function codeOf(url: string): Promise<string> {
  return JSON.parse((await refusal(url)).body).error.code;
}

async function tryToOpen(url: string): Promise<string> {
  try {
    await using viewer = await TestViewer.connect(url, { protocols: ["binary"] });
    await viewer.handshake();
    return "opened";
  } catch (error) {
    return String(error);
  }
}

function endingOf({ texts }: TestViewer): string | undefined {
  const last = texts.at(-1);
  return last?.type === "ending" ? last.ending.code : undefined;
}

interface Ways extends AsyncDisposable {
  readonly links: readonly string[];
  each(what: (way: CuttableWay) => void): void;
}

async function waysTo({ replicas }: Fleet): Promise<Ways> {
  const ways = await Promise.all(replicas.map(async ({ link }) => await openWay(portOf(link))));
  return {
    links: ways.map(({ port }) => `https://127.0.0.1:${port}`),
    each: (what) => void ways.forEach(what),
    [Symbol.asyncDispose]: async () => {
      for (const way of ways) await way[Symbol.asyncDispose]();
    },
  };
}

function portOf(url: string): number {
  return Number(new URL(url).port);
}

function signal({ replicas }: Fleet, index: number, name: NodeJS.Signals): void {
  process.kill(replicas[index]?.process.pid ?? 0, name);
}
