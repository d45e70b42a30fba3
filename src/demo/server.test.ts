import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { hostPort } from "#base/config.ts";
import { createLog } from "#base/process/log.ts";
import { HandshakeError } from "#protocols/rfb/handshake-error.ts";
import {
  type Area,
  encodeClientCutText,
  encodeFramebufferUpdateRequest,
  encodeKeyEvent,
  encodePointerEvent,
} from "#protocols/rfb/messages.ts";
import { TRUE_COLOUR_32 } from "#protocols/rfb/pixel-format.ts";
import { RFB_VERSIONS } from "#protocols/rfb/version.ts";
import type { Canvas } from "./canvas.ts";
import { LAYOUT } from "./design.ts";
import { Onlooker } from "./onlooker.ts";
import { startDemo } from "./server.ts";

const log = createLog("demo", "silent");
const TITLE: Area = { x: 40, y: 34, width: 380, height: 60 };
const TERMINAL: Area = { ...LAYOUT.panel };
const ENTER = 0xff0d;

function start(maxViewers?: number) {
  const listen = { host: "127.0.0.1", port: 0 };
  return startDemo({ listen, log, ...(maxViewers === undefined ? {} : { maxViewers }) });
}

function type(viewer: Onlooker, text: string): void {
  for (const character of text) {
    const keysym = character === "\n" ? ENTER : (character.codePointAt(0) ?? 0);
    viewer.send(encodeKeyEvent(true, keysym));
    viewer.send(encodeKeyEvent(false, keysym));
  }
}

async function openWithPicture(address: string): Promise<Onlooker> {
  const viewer = await Onlooker.open(address);
  viewer.ask(false);
  await viewer.read();
  return viewer;
}

function coloursIn(canvas: Canvas, area: Area): number {
  return new Set(canvas.take(area).pixels).size;
}

for (const version of RFB_VERSIONS) {
  test(`a ${version} viewer sees the machine`, async () => {
    await using demo = await start();
    await using viewer = await Onlooker.open(demo.address, version);

    viewer.ask(false);
    await viewer.read();

    assert.equal(viewer.ready.version, version);
    assert.equal(viewer.ready.serverInit.name, "Porthole demo machine");
    assert.ok(coloursIn(viewer.canvas, TITLE) > 50, "there is a title");
    assert.ok(coloursIn(viewer.canvas, viewer.canvas.area) > 1000, "there is a picture");
  });
}

test("the machine is alive without anybody doing anything", async () => {
  await using demo = await start();
  await using viewer = await openWithPicture(demo.address);
  const before = viewer.canvas.take(viewer.canvas.area);

  await viewer.watchUntil(() => !viewer.canvas.equals(before, before.area));
});

test("what is typed is shown, and Enter puts it into the viewers' clipboards", async () => {
  await using demo = await start();
  await using typist = await openWithPicture(demo.address);
  await using onlooker = await openWithPicture(demo.address);
  const before = onlooker.canvas.take(TERMINAL);

  type(typist, "Hello\n");

  const copied = { type: "server-cut-text", text: "Hello" };
  assert.deepEqual(await typist.watchUntil((message) => message.type === "server-cut-text"), copied);
  assert.deepEqual(await onlooker.watchUntil((message) => message.type === "server-cut-text"), copied);
  await onlooker.watchUntil(() => !onlooker.canvas.take(TERMINAL).equals(before, before.area));
});

test("a viewer's clipboard is shown", async () => {
  await using demo = await start();
  await using viewer = await openWithPicture(demo.address);
  const before = viewer.canvas.take(TERMINAL);

  viewer.send(encodeClientCutText("from elsewhere"));

  await viewer.watchUntil(() => !viewer.canvas.take(TERMINAL).equals(before, before.area));
});

test("the pointer is shown where it is", async () => {
  await using demo = await start();
  await using viewer = await openWithPicture(demo.address);
  const [x, y] = [LAYOUT.panel.x + 400, LAYOUT.panel.y + 200];
  const panel = viewer.canvas.at(x, y);

  viewer.send(encodePointerEvent(0, x, y));
  await viewer.watchUntil(() => viewer.canvas.at(x, y) !== panel);
  viewer.send(encodePointerEvent(0, 0, 0));
  await viewer.watchUntil(() => viewer.canvas.at(x, y) === panel);
});

test("a pointer outside of the screen is shown at its edge", async () => {
  await using demo = await start();
  await using viewer = await openWithPicture(demo.address);
  const [x, y] = [LAYOUT.width - 1, LAYOUT.height - 1];
  const corner = viewer.canvas.at(x, y);

  viewer.send(encodePointerEvent(0, 65_535, 65_535));

  await viewer.watchUntil(() => viewer.canvas.at(x, y) !== corner);
});

const LITTLE_16 = {
  ...TRUE_COLOUR_32,
  ...{ bitsPerPixel: 16, depth: 16 },
  ...{ red: { max: 31, shift: 11 }, green: { max: 63, shift: 5 }, blue: { max: 31, shift: 0 } },
};

for (const { name, format, tolerance } of [
  { name: "32 bits, big-endian", format: { ...TRUE_COLOUR_32, bigEndian: true }, tolerance: 0 },
  {
    name: "32 bits in the order that noVNC asks for",
    format: { ...TRUE_COLOUR_32, red: { max: 255, shift: 0 }, blue: { max: 255, shift: 16 } },
    tolerance: 0,
  },
  { name: "16 bits", format: LITTLE_16, tolerance: 8 },
  { name: "16 bits, big-endian", format: { ...LITTLE_16, bigEndian: true }, tolerance: 8 },
  {
    name: "8 bits",
    format: {
      ...{ bitsPerPixel: 8, depth: 8, bigEndian: false, trueColour: true },
      ...{ red: { max: 7, shift: 0 }, green: { max: 7, shift: 3 }, blue: { max: 3, shift: 6 } },
    },
    tolerance: 85,
  },
]) {
  test(`a viewer that wants ${name} sees the same`, async () => {
    await using demo = await start();
    await using usual = await openWithPicture(demo.address);
    await using viewer = await Onlooker.open(demo.address);

    viewer.setPixelFormat(format);
    viewer.ask(false);
    await viewer.read();

    const wanted = usual.canvas.take(TITLE).pixels;
    for (const [index, colour] of viewer.canvas.take(TITLE).pixels.entries())
      for (const shift of [0, 8, 16]) {
        const difference = ((colour >> shift) & 0xff) - (((wanted[index] ?? 0) >> shift) & 0xff);
        assert.ok(Math.abs(difference) <= tolerance, `pixel ${index} differs by ${difference}`);
      }
  });
}

test("a viewer that wants a colour map is hung up on, and others go on", async () => {
  await using demo = await start();
  await using viewer = await openWithPicture(demo.address);
  await using other = await openWithPicture(demo.address);

  viewer.setPixelFormat({ ...TRUE_COLOUR_32, bitsPerPixel: 8, trueColour: false });

  await assert.rejects(
    viewer.watchUntil(() => false),
    /hung up/,
  );
  await other.watchUntil((message) => message.type === "framebuffer-update");
});

test("nobody is sent pictures that they have not asked for", async () => {
  await using demo = await start();
  await using quiet = await openWithPicture(demo.address);
  await using typist = await openWithPicture(demo.address);
  const received = quiet.socket.bytesRead;
  const before = typist.canvas.take(TERMINAL);

  type(typist, "Is anybody there?");
  await typist.watchUntil(() => !typist.canvas.take(TERMINAL).equals(before, before.area));

  assert.equal(quiet.socket.bytesRead, received);
});

test("a viewer that asks and does not read is sent one picture at a time", async () => {
  await using demo = await start();
  await using other = await openWithPicture(demo.address);
  const stalled = connect(hostPort(demo.address));
  const hello = Buffer.from("RFB 003.003\n\x01", "latin1");
  const request = encodeFramebufferUpdateRequest(false, other.canvas.area);
  const [x, y] = [LAYOUT.panel.x + 400, LAYOUT.panel.y + 200];
  const panel = other.canvas.at(x, y);

  // Once the other viewer sees the pointer, all the requests before it have been read.
  stalled.write(
    Buffer.concat([hello, ...Array.from({ length: 500 }, () => request), encodePointerEvent(0, x, y)]),
  );
  await other.watchUntil(() => other.canvas.at(x, y) !== panel);
  stalled.end();
  let bytes = 0;
  for await (const chunk of stalled) bytes += chunk.length;

  const picture = LAYOUT.width * LAYOUT.height * 4;
  assert.ok(bytes > picture, "there were pictures");
  assert.ok(bytes < 20 * picture, `${bytes} bytes were sent to somebody who did not read`);
});

test("one viewer too many is told why it is not let in", async () => {
  await using demo = await start(1);
  await using first = await openWithPicture(demo.address);

  await assert.rejects(
    Onlooker.open(demo.address),
    (error) =>
      error instanceof HandshakeError && error.kind === "refused" && /Too many/.test(error.reason ?? ""),
  );
  await first.watchUntil((message) => message.type === "framebuffer-update");
});

test("there is room again when a viewer has left", async () => {
  await using demo = await start(1);
  const first = await openWithPicture(demo.address);

  await first[Symbol.asyncDispose]();

  await using second = await openAsSoonAsPossible(demo.address);
  assert.equal(second.ready.version, "3.8");
});

async function openAsSoonAsPossible(address: string): Promise<Onlooker> {
  while (true) {
    try {
      return await Onlooker.open(address);
    } catch (error) {
      if (!(error instanceof HandshakeError && error.kind === "refused")) throw error;
    }
  }
}

for (const { name, words } of [
  { name: "speaks HTTP", words: Buffer.from("GET / HTTP/1.1\r\n\r\n") },
  { name: "sends a message that RFB does not have", words: Buffer.from("RFB 003.003\n\x01\x63", "latin1") },
]) {
  test(`whoever ${name} is hung up on`, async () => {
    await using demo = await start();
    const socket = connect(hostPort(demo.address));
    socket.resume();

    socket.write(words);

    await once(socket, "end");
    await using viewer = await openWithPicture(demo.address);
    assert.equal(viewer.ready.security, "none");
  });
}

test("stopping hangs up on everybody", async () => {
  const demo = await start();
  await using viewer = await openWithPicture(demo.address);

  await demo[Symbol.asyncDispose]();

  await assert.rejects(viewer.watchUntil(() => false));
});

test("an address that is taken is an error", async () => {
  await using demo = await start();

  await assert.rejects(startDemo({ listen: hostPort(demo.address), log }), { code: "EADDRINUSE" });
});
