import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { type SerialNodeMessage, serialLimits } from "#wire/serial.ts";
import { Floor } from "./floor.ts";

test("the first one who may type writes, and those who come later watch", () => {
  const { floor, enter } = create();
  const [watcher, first, second] = [enter(false), enter(true, "ute"), enter(true)];

  assert.equal(floor.writer, first.viewer);
  assert.deepEqual(watcher.heard.at(-1), {
    type: "line",
    you: watcher.viewer,
    writer: first.viewer,
    viewers: [
      { viewer: watcher.viewer, mayWrite: false },
      { viewer: first.viewer, name: "ute", mayWrite: true },
      { viewer: second.viewer, mayWrite: true },
    ],
  });
});

test("whoever writes is asked, and gives it or does not", () => {
  const { floor, enter } = create();
  const [writer, other] = [enter(true), enter(true)];

  floor.hear(other.viewer, { type: "ask" });
  assert.deepEqual(writer.heard.at(-1), {
    type: "asked",
    viewer: other.viewer,
    inMs: serialLimits.answerMs,
  });
  floor.hear(writer.viewer, { type: "refuse" });
  assert.deepEqual(other.heard.at(-1), { type: "answered", answer: "refused" });
  assert.equal(floor.writer, writer.viewer);

  floor.hear(other.viewer, { type: "ask" });
  floor.hear(writer.viewer, { type: "hand-over", to: other.viewer });
  assert.equal(floor.writer, other.viewer);
  assert.deepEqual(answers(other), ["refused", "given"]);
});

test("who does not answer is away, and the other writes", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  try {
    const { floor, enter } = create();
    const [writer, other] = [enter(true), enter(true)];
    floor.hear(other.viewer, { type: "ask" });

    mock.timers.tick(serialLimits.answerMs - 1);
    assert.equal(floor.writer, writer.viewer);
    mock.timers.tick(1);

    assert.equal(floor.writer, other.viewer);
    assert.deepEqual(answers(other), ["given"]);
  } finally {
    mock.timers.reset();
  }
});

test("a question is taken back, and its writer is told", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  try {
    const { floor, enter } = create();
    const [writer, other] = [enter(true), enter(true)];
    floor.hear(other.viewer, { type: "ask" });
    floor.hear(other.viewer, { type: "withdraw" });

    mock.timers.tick(serialLimits.answerMs);

    assert.equal(floor.writer, writer.viewer);
    assert.deepEqual(writer.heard.at(-1), { type: "asked" });
    assert.deepEqual(answers(other), ["withdrawn"]);
  } finally {
    mock.timers.reset();
  }
});

test("one asks at a time, and who may not type is told so", () => {
  const { floor, enter } = create();
  const [writer, second, third, watcher] = [enter(true), enter(true), enter(true), enter(false)];
  floor.hear(second.viewer, { type: "ask" });

  floor.hear(third.viewer, { type: "ask" });
  floor.hear(watcher.viewer, { type: "ask" });
  floor.hear(writer.viewer, { type: "hand-over", to: watcher.viewer });

  assert.deepEqual([answers(third), answers(watcher)], [["refused"], ["forbidden"]]);
  assert.equal(floor.writer, writer.viewer);
  floor.close();
});

test("nobody but the writer hands over", () => {
  const { floor, enter } = create();
  const [writer, other] = [enter(true), enter(true)];

  floor.hear(other.viewer, { type: "hand-over", to: other.viewer });
  floor.hear(99, { type: "hand-over", to: other.viewer });

  assert.equal(floor.writer, writer.viewer);
});

test("when the writer leaves, who has asked writes, and else nobody until somebody asks", () => {
  const { floor, enter } = create();
  const [writer, asker, other] = [enter(true), enter(true), enter(true)];
  floor.hear(asker.viewer, { type: "ask" });
  floor.leave(writer.viewer);
  assert.equal(floor.writer, asker.viewer);

  floor.leave(asker.viewer);
  assert.equal(floor.writer, undefined);

  floor.hear(other.viewer, { type: "ask" });
  assert.equal(floor.writer, other.viewer);
  assert.deepEqual(answers(other), ["given"]);
});

test("the floor is let go of without a successor, and who has no words takes it", () => {
  const { floor, enter } = create();
  const [writer, bare, watcher] = [enter(true), enter(true), enter(false)];
  assert.equal(floor.claim(bare.viewer), false);

  floor.hear(writer.viewer, { type: "hand-over" });

  assert.equal(floor.claim(watcher.viewer), false);
  assert.equal(floor.claim(bare.viewer), true);
  assert.equal(floor.writer, bare.viewer);
});

function create() {
  const floor = new Floor();
  let viewers = 0;
  return {
    floor,
    enter(mayWrite: boolean, name?: string) {
      viewers += 1;
      const heard: SerialNodeMessage[] = [];
      const present = {
        viewer: viewers,
        name,
        mayWrite,
        heard,
        tell: (m: SerialNodeMessage) => heard.push(m),
      };
      floor.enter({ ...present, tell: (message) => void heard.push(message) });
      return present;
    },
  };
}

function answers({ heard }: { readonly heard: readonly SerialNodeMessage[] }) {
  return heard.flatMap((message) => (message.type === "answered" ? [message.answer] : []));
}
