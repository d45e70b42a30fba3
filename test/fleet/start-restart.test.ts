import assert from "node:assert/strict";
import { test } from "node:test";
import type { Node } from "#wire/api.ts";
import { eventually } from "../harness/eventually.ts";
import { type Porthole, startPorthole } from "../harness/porthole.ts";
import { isGone, processesOf } from "../harness/start-processes.ts";
import { TestViewer } from "../harness/test-viewer.ts";

test("a node of `npm start` that is restarted is another process at the same address, and all else goes on", async () => {
  // An address that nobody else has: its port stays free while the node is away.
  await using porthole = await startPorthole({ args: ["--listen", "127.0.0.77:0"] });
  const before = processesOf(porthole.data);
  const node = await onlyNode(porthole);
  const first = await open(porthole);

  await porthole.api.call("POST", `nodes/${node.id}/restart`, { now: true });

  await first.untilClosed();
  assert.equal(endingOf(first).code, "node_restarting");
  await eventually(() => assert.equal(before.filter(isGone).length, 1, "the node's first process"));
  await eventually(async () => {
    const { id, state, agentState } = await onlyNode(porthole);
    assert.deepEqual([id, state, agentState], [node.id, "running", "up"]);
  });
  const all = processesOf(porthole.data);
  assert.equal(all.filter((pid) => !isGone(pid)).length, 3, "control, a node and the demo machine");
  // It takes consoles once it has said that it holds control's keys.
  await using second = await eventually(async () => await open(porthole));
  assert.equal(second.webSocket.readyState, 1);

  await porthole.process.stop();
  assert.equal(await porthole.process.exited, 0);
  assert.deepEqual(
    all.filter((pid) => !isGone(pid)),
    [],
  );
});

test("a node of `npm start` that is destroyed ends all, in words", async () => {
  await using porthole = await startPorthole();
  const { id } = await onlyNode(porthole);

  await porthole.api.call("POST", `nodes/${id}/destroy`, { now: true });

  assert.equal(await porthole.process.exited, 1);
  assert.match(porthole.process.stderr.text, /proxy ended unexpectedly/);
});

async function onlyNode({ api }: Porthole): Promise<Node> {
  const { items } = await api.call<{ readonly items: readonly Node[] }>("GET", "nodes");
  const [node] = items;
  assert.ok(node !== undefined && items.length === 1);
  return node;
}

async function open({ api, machines, node }: Porthole): Promise<TestViewer> {
  const { url, websocket } = await api.openConsole(machines[0]?.id ?? "");
  assert.equal(new URL(url).origin, node);
  const viewer = await TestViewer.porthole(node, websocket.token);
  await viewer.handshake();
  return viewer;
}

function endingOf({ texts }: TestViewer): { readonly code?: string } {
  const last = texts.at(-1);
  return last?.type === "ending" ? last.ending : {};
}
