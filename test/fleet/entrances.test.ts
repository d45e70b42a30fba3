import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { after, before, test } from "node:test";
import type { Node as ListedNode } from "#wire/api.ts";
import { eventually } from "../harness/eventually.ts";
import { type Control, startControl, startNode } from "../harness/porthole.ts";
import { startRfbUpstream, type TestUpstream } from "../harness/test-upstream.ts";
import { TestViewer } from "../harness/test-viewer.ts";
import { lackingHaproxy, startHaproxy } from "../peers/haproxy.ts";

const OPENS = 100;

/** For all that want nothing of it but nodes. Those that kill some come last: it may give those consoles yet. */
let shared: Control;
before(async () => {
  shared = await startControl();
});
after(async () => await shared[Symbol.asyncDispose]());

async function addMachine(control: Control, { upstream: { address } }: TestUpstream): Promise<string> {
  assert.ok(address.kind === "tcp");
  const machine = {
    name: `guest ${randomUUID()}`,
    protocol: "rfb",
    address: `${address.host}:${address.port}`,
  } as const;
  return (await control.api.addMachine(machine)).id;
}

/** Asks for a console and opens it where its link leads, to the machine's first words; resolves to its session. */
async function open(control: Control, machineId: string): Promise<string> {
  const { sessionId, url, websocket } = await control.api.openConsole(machineId);
  await using viewer = await TestViewer.porthole(new URL(url).origin, websocket.token);
  await viewer.handshake();
  return sessionId;
}

async function openMany(control: Control, machineId: string): Promise<number> {
  const opened: string[] = [];
  for (let time = 0; time < OPENS; time++) opened.push(await open(control, machineId));
  return opened.length;
}

async function nodes({ api }: Control): Promise<readonly ListedNode[]> {
  return (await api.call<{ readonly items: readonly ListedNode[] }>("GET", "nodes")).items;
}

test(`two nodes behind round-robin haproxy and one plain domain: ${OPENS} of ${OPENS} consoles open`, {
  skip: lackingHaproxy,
}, async () => {
  await using control = await startControl();
  await control.api.call("PUT", "settings/consoleproxy.url.domain", { value: "localhost" });
  await using machine = await startRfbUpstream();
  const machineId = await addMachine(control, machine);
  await using started = new AsyncDisposableStack();
  await using haproxy = await startHaproxy(async (port) => {
    // The same port for all, so that a node knows it though it is not told.
    const hosts = ["127.0.0.2", "127.0.0.3"];
    for (const host of hosts) {
      const args = ["--public-address", "127.0.0.1", "--listen", `${host}:${port}`];
      started.use(await startNode(control, { args }));
    }
    return hosts.map((host) => ({ host, port }));
  });

  const { url } = await control.api.openConsole(machineId);
  assert.equal(new URL(url).origin, `http://localhost:${haproxy.port}`);

  assert.equal(await openMany(control, machineId), OPENS);
});

test(`three workers behind one listener: ${OPENS} of ${OPENS} consoles open`, async () => {
  const control = shared;
  await using machine = await startRfbUpstream();
  const machineId = await addMachine(control, machine);
  await using node = await startNode(control, { args: ["--workers", "3", "--admin-listen", "0"] });
  assert.equal(new Set(node.admins).size, 3);
  for (const admin of node.admins ?? []) assert.equal((await fetch(`${admin}/readyz`)).status, 200);

  const listed = (await nodes(control)).filter(({ id }) => node.ids?.includes(id));
  assert.equal(new Set(node.ids).size, 3);
  assert.equal(listed.length, 3);
  assert.deepEqual(new Set(listed.map(({ pageOrigin }) => pageOrigin)), new Set([node.node]));
  assert.equal(node.id, node.ids?.[0]);

  assert.equal(await openMany(control, machineId), OPENS);
});

test("a worker that is killed takes what it carries and hands on, and nothing else, and comes back", async () => {
  await using control = await startControl();
  await using machine = await startRfbUpstream();
  const machineId = await addMachine(control, machine);
  const each = 12;
  await using node = await startNode(control, { args: ["--workers", "2", "--max-sessions", `${each}`] });
  await using opened = new AsyncDisposableStack();
  const viewers: TestViewer[] = [];
  while (viewers.length < 2 * each) viewers.push(opened.use(await watch(control, machineId)));
  const [victim] = workerPids(node.process.pid);
  assert.ok(victim !== undefined);

  process.kill(victim, "SIGKILL");

  await eventually(() => assert.match(node.process.stderr.text, /Worker is ready again/));
  assert.equal(workerPids(node.process.pid).length, 2);
  await eventually(() => assert.ok(viewers.filter(({ closed }) => closed).length >= each));
  // Which worker a viewer came in through is the system's choice: that of all of these it was the other one's viewers
  // and none of its own happens once in thousands of times.
  const left = viewers.filter(({ closed }) => closed === undefined);
  assert.ok(left.length > 0, "the other worker's consoles go on");
  for (const viewer of left) viewer.webSocket.send('{"type":"ping","id":7}');
  await eventually(() => assert.ok(left.every(({ texts }) => texts.some(({ type }) => type === "pong"))));
  await opened.disposeAsync();
  for (let time = 0; time < 20; time++) {
    const sessionId = await open(control, machineId);
    await eventually(async () => assert.equal((await control.api.session(sessionId)).state, "ended"));
  }
});

async function watch(control: Control, machineId: string): Promise<TestViewer> {
  const { url, websocket } = await control.api.openConsole(machineId);
  const viewer = await TestViewer.porthole(new URL(url).origin, websocket.token);
  await viewer.handshake();
  return viewer;
}

function workerPids(parent: number): readonly number[] {
  return execFileSync("ps", ["-o", "pid=", "--ppid", `${parent}`], { encoding: "utf8" })
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map(Number);
}

test("SIGTERM stops all workers, in peace", async () => {
  const control = shared;
  await using machine = await startRfbUpstream();
  const machineId = await addMachine(control, machine);
  await using node = await startNode(control, { args: ["--workers", "2"] });
  await using viewer = await watch(control, machineId);
  const pids = workerPids(node.process.pid);

  assert.equal(await node.process.stop(), 0);

  await viewer.untilClosed();
  for (const pid of pids) assert.throws(() => process.kill(pid, 0), { code: "ESRCH" });
  assert.deepEqual(
    (await nodes(control)).filter(({ id }) => node.ids?.includes(id)).map(({ state }) => state),
    ["stopped", "stopped"],
  );
});

test("workers do not outlive a parent that is killed", async () => {
  const control = shared;
  await using node = await startNode(control, { args: ["--workers", "2"] });
  const pids = workerPids(node.process.pid);
  assert.equal(pids.length, 2);

  await node.process.stop("SIGKILL");

  await eventually(() => {
    for (const pid of pids) assert.throws(() => process.kill(pid, 0), { code: "ESRCH" });
  });
});

test("workers that cannot all join, or whose port is taken, are not started at all, and say why", async () => {
  const control = shared;
  await using other = await startNode(control);
  const { token } = await control.api.call<{ readonly token: string }>("POST", "join-tokens", { uses: 1 });
  const narrow = { ...control, joinToken: token };

  await assert.rejects(startNode(narrow, { args: ["--workers", "2"] }), /The join token is wrong/);
  const taken = ["--workers", "2", "--listen", new URL(other.node).host];
  await assert.rejects(startNode(control, { args: taken }), /cannot listen on .*EADDRINUSE/);
});

test("of two nodes that claim the same public address the second ends, and says which option helps", async () => {
  const control = shared;
  const claim = ["--public-address", "192.0.2.7:80"];
  await using first = await startNode(control, { args: claim });

  await assert.rejects(startNode(control, { args: claim }), /--public-address of its own/);

  await first.process.stop();
  const behind = [...claim, "--behind-proxy"];
  await using one = await startNode(control, { args: behind });
  await using two = await startNode(control, { args: behind });
  assert.equal(one.node, two.node);
});

test("an entrance whose addressee is killed says so, and its next consoles are on the node that is left", async () => {
  await using control = await startControl();
  await control.api.call("PUT", "settings/consoleproxy.loadscan.interval", { value: "1000" });
  await using machine = await startRfbUpstream();
  const machineId = await addMachine(control, machine);
  await using addressee = await startNode(control);
  await using entrance = await startNode(control);
  const { websocket } = await control.api.openConsole(machineId);
  const { websocket: later } = await control.api.openConsole(machineId);

  await using watched = await TestViewer.porthole(entrance.node, websocket.token);
  await watched.handshake();
  await addressee.process.stop("SIGKILL");
  await using viewer = await TestViewer.porthole(entrance.node, later.token);

  await watched.untilClosed();
  const { reason } = await viewer.untilClosed();
  assert.ok(["node_away", "ticket_foreign"].includes(reason), reason);
  await eventually(async () => {
    const { url, websocket: next } = await control.api.openConsole(machineId);
    assert.equal(new URL(url).origin, entrance.node);
    await using third = await TestViewer.porthole(entrance.node, next.token);
    await third.handshake();
  });
});
