import assert from "node:assert/strict";
import { test } from "node:test";
import { serialLimits } from "#wire/serial.ts";
import { openWay } from "../harness/cut.ts";
import { eventually } from "../harness/eventually.ts";
import { LOOPBACK } from "../harness/free-port.ts";
import { TestViewer } from "../harness/test-viewer.ts";
import { lackingLibvirt } from "./libvirt.ts";
import { byTls, startLineStage } from "./libvirt-line-stage.ts";
import { attached, openLine, saw, typeInto } from "./line-stage.ts";
import { lackingGuest } from "./qemu.ts";

/** By then libvirt hangs up on who has said nothing: eight seconds. */
const IMPATIENT = "keepalive_interval = 2\nkeepalive_count = 3";
/** Of one keepalive within TLS there are some more. */
const KEEPALIVE_BYTES = 28;

test("libvirt by TLS: a line of which nobody takes anything for long is kept, and goes on", {
  skip: lackingLibvirt || lackingGuest,
}, async () => {
  await using libvirt = await byTls(IMPATIENT);
  await using way = await openWay(libvirt.port);
  const address = `qemu+tls://${LOOPBACK}:${way.port}/session`;
  await using stage = await startLineStage({ ...libvirt, access: { ...libvirt.access, address } });
  const { fleet, node, machine } = stage;
  const { ticket } = await openLine(fleet, machine);
  await using viewer = await attached(await TestViewer.porthole(node.origin, ticket));
  await typeInto(viewer, "before");

  viewer.send(Buffer.from('seq 1 130000; echo e""nd\r'));
  const window = serialLimits.unacknowledgedBytes;
  await eventually(() => assert.ok(viewer.received > window - 64 * 1024), { withinMs: 240_000 });
  const before = way.saidOverNewest;
  await eventually(
    () => {
      assert.equal(viewer.closed, undefined);
      assert.ok(way.saidOverNewest >= before + 8 * KEEPALIVE_BYTES, `${way.saidOverNewest - before} bytes`);
    },
    { withinMs: 90_000 },
  );

  const acknowledge = () => viewer.webSocket.send(JSON.stringify({ type: "ack", bytes: viewer.received }));
  viewer.webSocket.on("message", (_data, isBinary) => isBinary && acknowledge());
  acknowledge();
  await saw(viewer, "\n130000\r\nend", { withinMs: 240_000 });
});
