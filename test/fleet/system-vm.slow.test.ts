import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ByteWriter } from "#base/bytes.ts";
import { Secret } from "#base/secret.ts";
import { eventually } from "../harness/eventually.ts";
import { LOOPBACK, onFreePort } from "../harness/free-port.ts";
import { startControl } from "../harness/porthole.ts";
import { scratch } from "../harness/scratch.ts";
import { TestViewer } from "../harness/test-viewer.ts";
import { startQemu } from "../peers/qemu.ts";
import {
  buildSystemVm,
  HOST_SEEN_FROM_GUEST,
  lackingSystemVm,
  STATIC_NETWORK,
  startSystemVm,
  systemVmImage,
} from "../peers/system-vm.ts";

const limits = {
  /** An emulated machine takes a quarter of a minute on an idle core, and others may be at work beside it. */
  bootMs: 5 * 60_000,
} as const;

const folder = scratch();
let image: string;
before(async () => {
  if (lackingSystemVm === false) image = await systemVmImage(folder.path);
});
after(async () => await folder[Symbol.asyncDispose]());

test("the image boots, its node joins by the config drive, and carries a console", {
  skip: lackingSystemVm,
}, async (context) => {
  await using control = await startControl({
    args: ["--link-names", HOST_SEEN_FROM_GUEST, "--upstream-allow", `${HOST_SEEN_FROM_GUEST}/32`],
  });
  await using screen = await startQemu({ open: {} });
  const { token } = await control.api.call<{ token: string }>("POST", "join-tokens", { uses: 1 });
  const controlPort = new URL(control.link).port;

  const startedAt = performance.now();
  await using started = await onFreePort(async (port) => {
    const vm = await startSystemVm(image, {
      port,
      network: STATIC_NETWORK,
      joinData: {
        controls: [`https://${HOST_SEEN_FROM_GUEST}:${controlPort}`],
        token: new Secret(token),
        listen: "0.0.0.0:8080",
        publicAddress: `${LOOPBACK}:${port}`,
      },
    });
    return { vm, port, [Symbol.asyncDispose]: async () => await vm[Symbol.asyncDispose]() };
  });
  const { vm, port } = started;
  const nodes = async () =>
    (await control.api.call<{ items: { agentState: string; pageOrigin: string }[] }>("GET", "nodes")).items;
  await eventually(() => assert.match(vm.console(), /"ready":true/), { withinMs: limits.bootMs });
  context.diagnostic(`boot to ready: ${((performance.now() - startedAt) / 1000).toFixed(1)} s`);

  const [node] = await nodes();
  assert.equal(node?.agentState, "up");
  assert.equal(node.pageOrigin, `http://${LOOPBACK}:${port}`);
  const machine = await control.api.addMachine({
    name: "on the host",
    protocol: "rfb",
    address: `${HOST_SEEN_FROM_GUEST}:${screen.ports.open}`,
  });
  const { url } = await control.api.openConsole(machine.id);
  const ticket = new URLSearchParams(new URL(url).hash.slice(1)).get("token") ?? "";
  await using viewer = await TestViewer.bare(`http://${LOOPBACK}:${port}`, ticket);
  const { width, height } = await viewer.handshake();
  // RFC 6143 §7.5.3: the first pixel row; §7.6.1 is the answer, four bytes a pixel at most.
  const before = viewer.received;
  viewer.send(new ByteWriter().u8(3).u8(0).u16(0).u16(0).u16(16).u16(1).finish());
  await eventually(() => assert.ok(viewer.received > before, "no bytes came from the machine"));
  assert.ok(width > 0 && height > 0);
  assert.ok(!vm.console().includes(token), "the token is not on the console");
  const commandLine = readFileSync(`/proc/${vm.process.pid}/cmdline`, "latin1");
  assert.ok(!commandLine.includes(token), "nor on a command line");

  vm.pressPowerButton();

  assert.equal(await vm.process.exited, 0, vm.console());
  assert.match(vm.console(), /the node has ended; switching off/);
  assert.equal((await nodes())[0]?.agentState, "disconnected", "it has said that it stops");
  assert.equal((await viewer.untilClosed()).code > 0, true);
});

test("the same packages and the same checkout give the same image", { skip: lackingSystemVm }, async () => {
  await using one = scratch();
  await using other = scratch();

  const images = [await buildSystemVm(one.path), await buildSystemVm(other.path)];

  const [first, second] = images.map((each) => readFileSync(join(each, "manifest.json"), "utf8"));
  assert.equal(first, second);
});
