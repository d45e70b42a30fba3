import assert from "node:assert/strict";
import { test } from "node:test";
import { decode } from "fast-png";
import { cloudStackQuery } from "../harness/api.ts";
import { eventually } from "../harness/eventually.ts";
import { startPorthole } from "../harness/porthole.ts";
import { TestViewer } from "../harness/test-viewer.ts";
import { lackingGuest, startQemuGuest } from "./qemu.ts";

interface VncServer {
  readonly clients: readonly unknown[];
}

test("a guest's screen becomes a small picture, and its live console goes on", {
  skip: lackingGuest,
}, async () => {
  await using porthole = await startPorthole();
  await using guest = await startQemuGuest({ screen: {} });
  const address = `${guest.host}:${guest.ports.screen}`;
  const machine = await porthole.api.addMachine({ name: "guest", protocol: "rfb", address });
  const clients = async () =>
    ((await guest.qmp("query-vnc-servers")) as readonly VncServer[]).flatMap((server) => server.clients)
      .length;
  const { websocket } = await porthole.api.openConsole(machine.id);
  await using viewer = await TestViewer.bare(porthole.node, websocket.token);
  await viewer.handshake();
  await eventually(async () => assert.equal(await clients(), 1));
  const ask = async (size: string) => {
    const query = cloudStackQuery(porthole, { cmd: "thumbnail", vm: machine.id });
    const sent = await fetch(`${porthole.control}/client/console?${query}${size}`, { redirect: "manual" });
    assert.equal(sent.status, 302, await sent.text());
    return await fetch(sent.headers.get("location") ?? "");
  };

  const answer = await ask("");

  assert.equal(answer.headers.get("content-type"), "image/png");
  const { width, height, data } = decode(new Uint8Array(await answer.arrayBuffer()));
  assert.deepEqual([width, height], [144, 80]);
  assert.ok(new Set(data).size > 8, "there is more than one shade in it");
  assert.ok(data.includes(0), "and the black of the screen");
  await eventually(async () =>
    assert.equal(await clients(), 1, "the one who looked has gone, the other is there"),
  );
  assert.equal(viewer.closed, undefined);
  const { items } = await porthole.api.call<{ items: { machineId: string }[] }>("GET", "sessions");
  assert.equal(
    items.filter(({ machineId }) => machineId === machine.id).length,
    1,
    "a picture is no session",
  );
});
