import assert from "node:assert/strict";
import { test } from "node:test";
import type { SelfCheck } from "#wire/self-check.ts";
import { eventually } from "../harness/eventually.ts";
import { startControl, startNode } from "../harness/porthole.ts";
import { startRfbUpstream } from "../harness/test-upstream.ts";
import { TestViewer } from "../harness/test-viewer.ts";

/** Between two heartbeats, as much as there may be: what a node knows meanwhile it has asked for. */
const SELDOM = "60000";
const ELSEWHERE = "192.0.2.0/24";
const HERE = "127.0.0.0/8";

test("what was just allowed is opened long before the next heartbeat, and the self-check sees what is allowed no more", async () => {
  await using control = await startControl();
  const set = async (name: string, value: string) =>
    await control.api.call("PUT", `settings/${name}`, { value });
  await set("consoleproxy.loadscan.interval", SELDOM);
  await set("upstream.allow", ELSEWHERE);
  await using node = await startNode(control);
  await using machine = await startRfbUpstream();
  const { address } = machine.upstream;
  assert.ok(address.kind === "tcp");
  const screen = { protocol: "rfb", address: `${address.host}:${address.port}` } as const;
  const { id } = await control.api.addMachine({ name: "machine", ...screen });
  const open = async () => {
    const { websocket } = await control.api.openConsole(id);
    return await TestViewer.porthole(node.node, websocket.token);
  };
  const refused = async (viewer: TestViewer) => {
    await assert.rejects(viewer.handshake());
    return await eventually(() => {
      const ending = viewer.texts.find((text) => text.type === "ending");
      assert.ok(ending?.type === "ending");
      return ending.ending.code;
    });
  };
  const checked = async () => {
    const { lines } = await control.api.call<SelfCheck>("POST", "self-check/nodes", {});
    return lines.filter(({ check }) => check === "node.hypervisor").map(({ finding }) => finding);
  };

  await using forbidden = await open();
  assert.equal(await refused(forbidden), "upstream_not_allowed");

  await set("upstream.allow", `${ELSEWHERE}, ${HERE}`);
  await using allowed = await open();
  await allowed.handshake();

  await set("upstream.allow", ELSEWHERE);
  assert.deepEqual(await checked(), ["hypervisor_forbidden"]);
});
