import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Upstream } from "#wire/grant.ts";
import type { SerialViewerMessage } from "#wire/serial.ts";
import { eventually } from "../harness/eventually.ts";
import { scratch } from "../harness/scratch.ts";
import { startTestNode, type TestNode } from "../harness/test-node.ts";
import { TestViewer } from "../harness/test-viewer.ts";
import { createPki, type Pki, SERVER_NAME, writePki } from "./pki.ts";
import {
  lackingGuest,
  lackingQemu,
  type Qemu,
  type QemuGuest,
  serialPort,
  serialSocket,
  startQemu,
  startQemuGuest,
} from "./qemu.ts";
import { lackingWebsockify, startWebsockify } from "./websockify.ts";

let node: TestNode;
before(async () => {
  node = await startTestNode();
});
after(async () => await node[Symbol.asyncDispose]());

async function open(upstream: Upstream, machineId: string): Promise<TestViewer> {
  const { ticket } = await node.control.issue({ protocol: "serial", upstream, machineId });
  const viewer = await TestViewer.porthole(node.origin, ticket);
  viewer.webSocket.on("message", (_data, isBinary) => {
    if (isBinary) viewer.webSocket.send(JSON.stringify({ type: "ack", bytes: viewer.received }));
  });
  return viewer;
}

const type = (viewer: TestViewer, text: string) => viewer.send(Buffer.from(text));
/** Each character once the one before is echoed: QEMU's monitor forgets, until more comes, what else was in a record of TLS. */
async function typeSlowly(viewer: TestViewer, text: string): Promise<void> {
  for (const character of text) {
    const before = viewer.received;
    type(viewer, character);
    await eventually(() => assert.ok(viewer.received > before));
  }
}

const text = (viewer: TestViewer) => viewer.bytes.toString("latin1");

/** Its own monitor is what QEMU has behind a line that needs no guest: it echoes, and answers. */
describe("QEMU's character devices", { skip: lackingQemu }, () => {
  const folder = scratch();
  let qemu: Qemu<never>;
  let pki: Pki;
  before(async () => {
    pki = await createPki();
    const good = writePki(join(folder.path, "good"), pki.authority, pki.server);
    const devices = [
      serialSocket("tcp"),
      serialSocket("telnet", ",telnet=on"),
      serialSocket("websocket", ",websocket=on"),
      serialSocket("tls", ",tls-creds=good"),
      `socket,id=unix,path=${join(folder.path, "line")},server=on,wait=off`,
    ];
    const args = devices.flatMap((device) => {
      const id = /id=(\w+)/.exec(device)?.[1];
      return ["-chardev", device, "-mon", `chardev=${id},mode=readline`];
    });
    qemu = await startQemu({}, { args, credentials: { good: { folder: good } } });
  });
  after(async () => {
    await qemu[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });
  const at = async (id: string) => ({ host: qemu.host, port: await serialPort(qemu, id) });

  const LINES = {
    tcp: async () => ({ address: { kind: "tcp", ...(await at("tcp")) } }),
    telnet: async () => ({ address: { kind: "tcp", ...(await at("telnet")) }, telnet: true }),
    unix: async () => ({ address: { kind: "unix", path: join(folder.path, "line") } }),
    websocket: async () => ({
      address: { kind: "websocket", ...(await at("websocket")), path: "/", isSecure: false },
    }),
    tls: async () => ({
      address: { kind: "tls", ...(await at("tls")) },
      tls: { mode: "verify", ca: pki.authority.pem, serverName: SERVER_NAME },
    }),
  } satisfies Readonly<Record<string, () => Promise<Upstream>>>;
  for (const [name, upstream] of Object.entries(LINES))
    test(`are spoken to by ${name}, and by two who share the one connection that they bear`, async () => {
      await using first = await open(await upstream(), name);
      await eventually(() => assert.ok(text(first).includes("(qemu) ")));
      await using second = await open(await upstream(), name);

      await typeSlowly(first, "info status\r");

      // Paused, since it never ran.
      for (const viewer of [first, second])
        await eventually(() => assert.ok(text(viewer).includes("VM status: paused")));
      assert.ok(!text(first).includes("\xff"), "telnet's own bytes");
    });

  test("are left when the last viewer has gone, and bear the next one", async () => {
    const gone = await open(await LINES.tcp(), "first-name");
    await gone[Symbol.asyncDispose]();

    // Under another name it is another line: it is silent until QEMU has let go of the one before.
    await using next = await open(await LINES.tcp(), "second-name");

    await eventually(() => assert.ok(text(next).includes("(qemu) ")), { withinMs: 60_000 });
  });

  test("are spoken to through websockify", { skip: lackingWebsockify }, async () => {
    await using websockify = await startWebsockify({ line: await at("tcp") });
    const address = {
      ...({ kind: "websocket", host: websockify.host, port: websockify.port, isSecure: false } as const),
      path: websockify.pathOf("line"),
    };

    await using viewer = await open({ address }, "websockify");

    await eventually(() => assert.ok(text(viewer).includes("(qemu) ")), { withinMs: 60_000 });
  });

  test("that are switched off end their consoles, and say so", async () => {
    await using viewer = await open(await LINES.telnet(), "telnet-again");
    await eventually(() => assert.ok(text(viewer).includes("(qemu) ")), { withinMs: 60_000 });

    await qemu.kill();

    assert.match((await viewer.untilClosed()).reason, /^upstream_(closed|lost)$/);
  });
});

describe("a guest's shell on a serial line", { skip: lackingGuest }, () => {
  let guest: QemuGuest<never>;
  let upstream: Upstream;
  before(async () => {
    guest = await startQemuGuest({}, { line: true });
    upstream = { address: { kind: "tcp", host: guest.host, port: await serialPort(guest, "line") } };
  });
  after(async () => await guest[Symbol.asyncDispose]());

  test("is typed into, watched, and handed over", async () => {
    await using first = await open(upstream, "guest");
    await using second = await open(upstream, "guest");
    const say = (viewer: TestViewer, message: SerialViewerMessage) =>
      viewer.webSocket.send(JSON.stringify(message));
    type(first, "echo one-$((40 + 2))\r");
    await eventually(() => assert.ok(text(second).includes("one-42")));
    type(second, "echo not-$((40 + 3))\r");

    say(second, { type: "ask" });
    await eventually(() => assert.ok(first.texts.some(({ type: kind }) => kind === "asked")));
    say(first, { type: "hand-over", to: 2 });
    await eventually(() => assert.ok(second.texts.some(({ type: kind }) => kind === "answered")));
    type(second, "echo two-$((40 + 4))\r");

    await eventually(() => assert.ok(text(first).includes("two-44")));
    assert.ok(!guest.serial().includes("not-43"));
  });

  test("is stopped in the middle of a flood from the keyboard, and seen as it is by who comes then", async () => {
    await using viewer = await open(upstream, "guest");
    type(viewer, "\ryes flooded-with-words\r");
    await eventually(() => assert.ok(viewer.received > 64 * 1024));

    // Ctrl-Z: the guest's shell was started with Ctrl-C ignored.
    type(viewer, "\x1a");
    // What is typed behind it at once is thrown away with the rest of the line.
    await eventually(() => assert.ok(text(viewer).slice(-40).includes("guest# ")));
    type(viewer, "echo over-$((40 + 5))\r");
    await eventually(() => assert.ok(text(viewer).includes("over-45")));
    await using later = await open(upstream, "guest");

    await eventually(() => assert.ok(text(later).includes("over-45")));
  });
});
