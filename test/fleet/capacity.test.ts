import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { endLaunched, processesOf } from "../harness/end-launched.ts";
import { eventually } from "../harness/eventually.ts";
import { onFreePort } from "../harness/free-port.ts";
import { NativeClient } from "../harness/native-client.ts";
import { startRole } from "../harness/porthole.ts";
import { firstLine, type Process } from "../harness/process.ts";
import { scratch } from "../harness/scratch.ts";
import { startRfbUpstream } from "../harness/test-upstream.ts";
import { TestViewer } from "../harness/test-viewer.ts";

const PLACES = 3;

interface Control {
  readonly control: string;
  readonly apiKey: string;
  readonly secretKey: string;
  readonly process: Process;
}

/** Control that launches processes, in a folder that outlives it. */
async function startControl(folder: string, link: string): Promise<Control> {
  const child = await startRole("control", [
    ...["--data", folder, "--listen", "127.0.0.1:0", "--link", link, "--upstream-allow", "127.0.0.0/8"],
    ...["--launchers", "default=process"],
  ]);
  return { ...JSON.parse(await firstLine(child)), process: child };
}

async function nodesUp(api: NativeClient): Promise<readonly string[]> {
  const { items } = await api.call<{ items: { id: string; agentState: string }[] }>("GET", "nodes");
  return items.filter(({ agentState }) => agentState === "up").map(({ id }) => id);
}

test("people make nodes appear; that control is killed, and that nodes go again, nobody notices", async () => {
  await using opened = new AsyncDisposableStack();
  const { path: folder } = opened.use(scratch());
  opened.defer(async () => await endLaunched(folder));
  const { first, link } = await onFreePort(async (port) => {
    const address = `127.0.0.1:${port}`;
    return { first: await startControl(folder, address), link: address };
  });
  opened.defer(async () => void (await first.process.stop()));
  let api = new NativeClient(first.control, first);
  for (const [name, value] of [
    ["consoleproxy.loadscan.interval", "3000"],
    ["consoleproxy.capacityscan.interval", "1000"],
    ["consoleproxy.session.max", String(PLACES)],
    ["consoleproxy.capacity.standby", "2"],
    ["consoleproxy.launch.max", "2"],
    ["capacity.shrink.delay", "2000"],
  ])
    await api.call("PUT", `settings/${name}`, { value });
  const upstream = opened.use(await startRfbUpstream());
  const { address: screenAddress } = upstream.upstream;
  assert.ok(screenAddress.kind === "tcp");
  const screen = `${screenAddress.host}:${screenAddress.port}`;
  const { id: machineId } = await api.addMachine({ name: "machine", protocol: "rfb", address: screen });
  const open = async () => {
    const { sessionId, websocket } = await api.openConsole(machineId);
    const origin = `http://${websocket.host}:${websocket.port}`;
    const viewer = opened.use(await TestViewer.porthole(origin, websocket.token));
    await viewer.handshake();
    return { sessionId, viewer };
  };
  const areOpen = async (consoles: readonly { sessionId: string; viewer: TestViewer }[]) => {
    for (const { sessionId, viewer } of consoles) {
      assert.equal(viewer.closed, undefined);
      assert.equal((await api.session(sessionId)).state, "active");
    }
  };

  // A burst, and a second node.
  await eventually(async () => assert.equal((await nodesUp(api)).length, 1));
  const consoles = [await eventually(open), await eventually(open)];
  await eventually(async () => assert.equal((await nodesUp(api)).length, 2));

  // Control is killed, and another one goes on with what there is.
  const before = processesOf(folder);
  // What control starts Node with for itself is not handed on.
  for (const pid of before) assert.doesNotMatch(readFileSync(`/proc/${pid}/cmdline`, "utf8"), /v8-pool-size/);
  await first.process.stop("SIGKILL");
  const second = await startControl(folder, link);
  opened.defer(async () => void (await second.process.stop()));
  api = new NativeClient(second.control, first);
  await eventually(async () => assert.equal((await nodesUp(api)).length, 2));
  await areOpen(consoles);

  // Silence, but for one viewer: one node goes, and it is not his.
  const [staying, leaving] = consoles;
  assert.ok(staying !== undefined && leaving !== undefined);
  await leaving.viewer[Symbol.asyncDispose]();
  await api.call("PUT", "settings/consoleproxy.capacity.standby", { value: "1" });
  await eventually(async () => assert.equal((await nodesUp(api)).length, 1));
  await eventually(() => assert.equal(processesOf(folder).length, 1));
  await areOpen([staying]);
  assert.ok(before.length === 2 && processesOf(folder).every((pid) => before.includes(pid)));
});
