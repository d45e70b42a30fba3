import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { Machine, type Watcher } from "./machine.ts";

class Counter implements Watcher {
  isWaiting = false;
  changes = 0;
  readonly texts: string[] = [];

  changed(): void {
    this.changes++;
  }

  copied(text: string): void {
    this.texts.push(text);
  }
}

/** A machine whose time passes when it is told to. */
function machineIn(context: TestContext, { isWaiting }: { isWaiting: boolean }) {
  let now = Date.parse("2026-01-01T12:00:00Z");
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const machine = new Machine({ now: () => now });
  const watcher = new Counter();
  watcher.isWaiting = isWaiting;
  machine.add(watcher);
  const pass = (milliseconds: number) => {
    now += milliseconds;
    context.mock.timers.tick(milliseconds);
  };
  return { machine, watcher, pass };
}

function type(machine: Machine, text: string): void {
  for (const character of text) machine.press({ type: "character", character });
}

test("a machine moves while somebody waits", (context) => {
  const { watcher, pass } = machineIn(context, { isWaiting: true });

  for (let frame = 0; frame < 10; frame++) pass(100);

  assert.ok(watcher.changes >= 9, `${watcher.changes} changes in ten frames`);
});

test("a machine does nothing while nobody waits", (context) => {
  const { machine, watcher, pass } = machineIn(context, { isWaiting: false });

  type(machine, "hello");
  pass(10_000);

  assert.equal(watcher.changes, 0);
});

test("a machine shows at once what was done while nobody waited", (context) => {
  const { machine, watcher, pass } = machineIn(context, { isWaiting: false });
  type(machine, "hello");
  pass(1_000);

  watcher.isWaiting = true;
  machine.wake();
  pass(10);

  assert.equal(watcher.changes, 1);
});

test("a machine copies a line that is entered, and no empty one", (context) => {
  const { machine, watcher } = machineIn(context, { isWaiting: true });

  type(machine, "hi");
  machine.press({ type: "enter" });
  machine.press({ type: "enter" });

  assert.deepEqual(watcher.texts, ["hi"]);
});

test("a machine tells those who have left nothing", (context) => {
  const { machine, watcher, pass } = machineIn(context, { isWaiting: true });

  machine.remove(watcher);
  pass(1_000);

  assert.equal(watcher.changes, 0);
});
