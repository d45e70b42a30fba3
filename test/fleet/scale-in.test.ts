import assert from "node:assert/strict";
import { test } from "node:test";
import type { Node } from "#wire/api.ts";
import { endLaunched, processesOf } from "../harness/end-launched.ts";
import { eventually } from "../harness/eventually.ts";
import { onFreePort } from "../harness/free-port.ts";
import { NativeClient } from "../harness/native-client.ts";
import { startRole } from "../harness/porthole.ts";
import { firstLine } from "../harness/process.ts";
import { scratch } from "../harness/scratch.ts";
import { startRfbUpstream } from "../harness/test-upstream.ts";
import { TestViewer } from "../harness/test-viewer.ts";

const CONSOLES = 200;
const NODES = 4;
/** Twice what is open, so that two of the nodes are spare as a whole, though each carries its part. */
const PLACES = 100;
const AT_ONCE = 20;

test(`a node goes from under ${CONSOLES} consoles that are spread over all nodes, and none is cut`, async () => {
  await using opened = new AsyncDisposableStack();
  const { path: folder } = opened.use(scratch());
  opened.defer(async () => await endLaunched(folder));
  const api = await startLaunching(folder, opened);
  const { upstream } = opened.use(await startRfbUpstream());
  assert.ok(upstream.address.kind === "tcp");
  const address = `${upstream.address.host}:${upstream.address.port}`;
  await set(api, { "consoleproxy.capacity.standby": String(PLACES * NODES) });
  await eventually(async () => assert.equal((await nodes(api, "running")).length, NODES));

  const viewers = new Map<TestViewer, string>();
  for (let begun = 0; begun < CONSOLES; begun += AT_ONCE)
    await Promise.all(
      Array.from({ length: AT_ONCE }, async (_, index) => {
        const name = `machine ${begun + index}`;
        const { id } = await api.addMachine({ name, protocol: "rfb", address });
        const { sessionId, websocket } = await api.openConsole(id);
        const viewer = opened.use(
          await TestViewer.porthole(`http://${websocket.host}:${websocket.port}`, websocket.token),
        );
        await viewer.handshake();
        viewers.set(viewer, sessionId);
      }),
    );
  await eventually(async () => {
    for (const { sessions } of await nodes(api, "running")) assert.ok(sessions > 0, "it is spread");
  });

  await set(api, { "consoleproxy.capacity.standby": "10" });

  const leaving = await eventually(async () => {
    const [first] = await nodes(api, "stopping", "draining");
    assert.ok(first !== undefined && first.sessions > 0);
    return first.id;
  });
  const at = async (sessionId: string) => (await api.session(sessionId)).nodeId;
  for (const [viewer, sessionId] of viewers) {
    assert.equal(viewer.closed, undefined);
    if ((await at(sessionId)) !== leaving) continue;
    await viewer[Symbol.asyncDispose]();
    viewers.delete(viewer);
  }
  await eventually(async () => assert.ok((await all(api)).every(({ id }) => id !== leaving)));

  assert.ok(viewers.size > 0 && viewers.size < CONSOLES);
  for (const [viewer, sessionId] of viewers) {
    assert.equal(viewer.closed, undefined);
    assert.equal((await api.session(sessionId)).state, "active");
  }
  assert.ok(processesOf(folder).length < NODES);
});

/** Control that launches processes, and gives consoles to whichever node has least. */
async function startLaunching(folder: string, opened: AsyncDisposableStack): Promise<NativeClient> {
  const child = await onFreePort(async (port) => {
    const role = await startRole("control", [
      ...["--data", folder, "--listen", "127.0.0.1:0", "--link", `127.0.0.1:${port}`],
      ...["--upstream-allow", "127.0.0.0/8", "--launchers", "default=process"],
    ]);
    return { role, ready: JSON.parse(await firstLine(role)) };
  });
  opened.defer(async () => void (await child.role.stop()));
  const api = new NativeClient(child.ready.control, child.ready);
  await set(api, {
    "consoleproxy.capacityscan.interval": "1000",
    "consoleproxy.session.max": String(PLACES),
    "consoleproxy.launch.max": String(NODES),
    "consoleproxy.assignment.order": "least-loaded",
    "console.ticket.pending.max": String(CONSOLES),
    "capacity.shrink.delay": "2000",
  });
  return api;
}

async function set(api: NativeClient, values: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, value] of Object.entries(values)) await api.call("PUT", `settings/${name}`, { value });
}

async function all(api: NativeClient): Promise<readonly Node[]> {
  return (await api.call<{ items: readonly Node[] }>("GET", "nodes")).items;
}

async function nodes(api: NativeClient, ...states: readonly Node["state"][]): Promise<readonly Node[]> {
  return (await all(api)).filter(({ state }) => states.includes(state));
}
