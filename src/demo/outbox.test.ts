import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { SequenceDriver } from "#base/sequence.ts";
import { ENCODING } from "#protocols/rfb/encodings.ts";
import type { Rectangle } from "#protocols/rfb/framebuffer-update.ts";
import type { Area } from "#protocols/rfb/messages.ts";
import { readServerMessage } from "#protocols/rfb/read-server-message.ts";
import { Canvas } from "./canvas.ts";
import { applyRectangles } from "./onlooker.ts";
import { Outbox } from "./outbox.ts";
import { Picture } from "./picture.ts";
import { Scene } from "./scene.ts";

let now = Date.parse("2026-01-01T00:00:00Z");
const scene = new Scene({ now: () => now });
const picture = new Picture(scene);
const whole = picture.canvas.area;

/** Someone who keeps what an outbox has for them, asked for area by area. */
class Receiver {
  readonly canvas = new Canvas(whole.width, whole.height);
  readonly outbox = new Outbox(picture.canvas);

  constructor(encodings: readonly number[]) {
    this.outbox.setEncodings(encodings);
  }

  /** As someone who has been sent everything so far. */
  static upToDate(encodings: readonly number[]): Receiver {
    const receiver = new Receiver(encodings);
    receiver.outbox.take(whole);
    receiver.canvas.copyFrom(picture.canvas, whole);
    return receiver;
  }

  receive(area: Area = whole): readonly Rectangle[] {
    const update = this.outbox.take(area);
    if (update === undefined) return [];
    const driver = new SequenceDriver(readServerMessage(4));
    driver.push(update);
    const message = driver.result;
    assert.ok(message.type === "framebuffer-update");
    applyRectangles(this.canvas, message.rectangles);
    return message.rectangles;
  }
}

function update(...outboxes: readonly Outbox[]): void {
  const change = picture.update();
  if (change !== undefined) for (const outbox of outboxes) outbox.add(change);
}

/** Fills the terminal, so that whatever comes next moves it up. */
function fillTerminal(): void {
  for (let row = 0; row < 20; row++) scene.terminal.tell(`row ${row}`);
}

test("a new viewer is missing everything", () => {
  const receiver = new Receiver([]);

  receiver.receive();

  assert.ok(receiver.canvas.equals(picture.canvas, whole));
});

test("a viewer that has everything is sent nothing", () => {
  const receiver = Receiver.upToDate([]);

  assert.equal(receiver.outbox.take(whole), undefined);
});

test("typing one character sends little", () => {
  update();
  const receiver = Receiver.upToDate([]);

  scene.terminal.type("x");
  update(receiver.outbox);

  const message = receiver.outbox.take(whole);
  assert.ok(message !== undefined && message.length < 20_000, `${message?.length} bytes`);
});

test("a terminal that moves up is sent as a copy to viewers that take CopyRect", () => {
  fillTerminal();
  update();
  const modern = Receiver.upToDate([ENCODING.copyRect]);
  const plain = Receiver.upToDate([ENCODING.raw]);

  scene.terminal.tell("one more");
  update(modern.outbox, plain.outbox);

  assert.equal(modern.receive()[0]?.encoding, "copy-rect");
  assert.ok(plain.receive().every(({ encoding }) => encoding === "raw"));
  assert.ok(modern.canvas.equals(picture.canvas, whole));
  assert.ok(plain.canvas.equals(picture.canvas, whole));
});

test("a viewer that asks for another area is sent no copy", () => {
  fillTerminal();
  update();
  const receiver = Receiver.upToDate([ENCODING.copyRect]);
  scene.terminal.tell("one more");
  update(receiver.outbox);

  assert.equal(receiver.outbox.take({ x: 0, y: 0, width: 16, height: 16 }), undefined);
  receiver.receive();
  assert.ok(receiver.canvas.equals(picture.canvas, whole));
});

test("a viewer that does not have yet what moves up is sent no copy", () => {
  fillTerminal();
  update();
  const receiver = Receiver.upToDate([ENCODING.copyRect]);
  for (const letter of "typed, and not sent before it moves up") scene.terminal.type(letter);
  update(receiver.outbox);
  scene.terminal.enter();
  update(receiver.outbox);

  assert.ok(receiver.receive().every(({ encoding }) => encoding === "raw"));
  assert.ok(receiver.canvas.equals(picture.canvas, whole));
});

test("a copy is given up when a viewer has lost what was to be copied", () => {
  fillTerminal();
  update();
  const receiver = Receiver.upToDate([ENCODING.copyRect]);
  scene.terminal.tell("one more");
  update(receiver.outbox);

  receiver.canvas.fill(whole, 0);
  receiver.outbox.forget(whole);

  assert.ok(receiver.receive().every(({ encoding }) => encoding === "raw"));
  assert.ok(receiver.canvas.equals(picture.canvas, whole));
});

const area: fc.Arbitrary<Area> = fc.record({
  x: fc.nat(900),
  y: fc.nat(700),
  width: fc.nat(900),
  height: fc.nat(700),
});

type Deed = (receiver: Receiver) => void;

/** What is done at the machine. */
const done: fc.Arbitrary<Deed> = fc.oneof(
  fc.string({ minLength: 5, maxLength: 20 }).map((text) => () => {
    for (const letter of text) scene.terminal.type(letter);
  }),
  fc.constant(() => void scene.terminal.enter()),
  fc.string({ maxLength: 120 }).map((text) => () => scene.terminal.tell(text)),
  fc.tuple(fc.nat(799), fc.nat(599), fc.nat(1)).map((place) => () => scene.movePointer(...place)),
  fc.nat(2_000).map((milliseconds) => () => {
    now += milliseconds;
  }),
);

/** What a viewer does. */
const asked: fc.Arbitrary<Deed> = fc.oneof(
  fc.constant((receiver: Receiver) => void receiver.receive()),
  area.map((part) => (receiver: Receiver) => void receiver.receive(part)),
  area.map((part) => (receiver: Receiver) => receiver.outbox.forget(part)),
);

const deed: fc.Arbitrary<Deed> = fc.oneof(
  { weight: 6, arbitrary: done },
  { weight: 6, arbitrary: fc.constant((receiver: Receiver) => update(receiver.outbox)) },
  { weight: 1, arbitrary: asked },
);

for (const encodings of [[ENCODING.raw], [ENCODING.copyRect]]) {
  test(`whatever happens, a viewer ends up with the picture (encodings ${encodings})`, () => {
    fc.assert(
      fc.property(fc.array(deed, { maxLength: 40, size: "max" }), (deeds) => {
        const receiver = Receiver.upToDate(encodings);

        for (const act of deeds) act(receiver);
        update(receiver.outbox);
        receiver.receive();

        assert.ok(picture.canvas.equals(scene.canvas, whole), "the picture is the scene");
        assert.ok(receiver.canvas.equals(picture.canvas, whole), "the viewer has the picture");
        assert.equal(receiver.outbox.take(whole), undefined);
      }),
      { numRuns: 50 },
    );
  });
}
