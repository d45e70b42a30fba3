import assert from "node:assert/strict";
import { test } from "node:test";
import { heldBytes } from "../../../test/harness/held-memory.ts";
import { Screen } from "./screen.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
/** A screen has no row for each of these, and one sequence more than it has time for. */
const MANY = 2_147_483_647;

for (const [name, bomb] of [
  ["two thousand million lines of scrolling", `\x1b[${MANY}S`],
  ["two thousand million inserted lines", `\x1b[${MANY}L`],
  ["two thousand million of one character", `x\x1b[${MANY}b`],
  ["a title without an end", `\x1b]0;${"t".repeat(60_000)}`],
  ["a device control string without an end", `\x1bP$q${"t".repeat(60_000)}`],
  ["many marks on one character", `a${"\u0301".repeat(30_000)}`],
  ["many colours", "\x1b[38;2;1;2;3mc\x1b[48;5;9md".repeat(2_000)],
] as const)
  test(`${name} cost neither time nor room, and what follows is restored`, async () => {
    const screen = new Screen();

    screen.push(bytes(bomb));
    screen.push(bytes("\x1b\\\r\nprompt # "));
    const restored = Buffer.from(await screen.restore("attached")).toString("utf8");

    assert.match(restored, /prompt # /);
    assert.ok(restored.length <= 128 * 1024, `${restored.length}`);
    screen.dispose();
  });

test("links on one line, however many, leave nothing behind", async () => {
  const screen = new Screen();
  const draw = async (links: number) => {
    for (let count = 0; count < links; count += 1) {
      const address = `https://example.com/${count}/${"x".repeat(2_000)}`;
      screen.push(bytes(`\r\x1b]8;;${address}\x07link\x1b]8;;\x07`));
      if (screen.undrawnBytes > 32 * 1024) await screen.lines();
    }
  };
  await draw(1_000);
  const before = heldBytes();

  await draw(10_000);

  assert.deepEqual((await screen.lines()).slice(-1), ["link"]);
  const grown = heldBytes() - before;
  assert.ok(grown < 8 * 1024 * 1024, `${grown} bytes`);
  screen.dispose();
});

test("of what nobody has drawn the last is kept, and no more than its bound", async () => {
  const screen = new Screen();

  for (let line = 0; line < 2_000; line += 1) {
    screen.push(bytes(`${line} ${"x".repeat(1_000)}\r\n`));
    assert.ok(screen.undrawnBytes <= 64 * 1024, `${screen.undrawnBytes}`);
  }

  const lines = await screen.lines();
  assert.match(lines.at(-1) ?? "", /^1999 x/);
  assert.ok(!lines.some((line) => line.startsWith("1000 ")), "what has scrolled by");
  screen.dispose();
});

test("what has scrolled off is kept up to a bound, of which the widest terminals have less, and who fell behind is shown a part", async () => {
  const screen = new Screen();
  const draw = async (lines: number) => {
    for (let line = 0; line < lines; line += 1) {
      screen.push(bytes(`line ${line}\r\n`));
      if (screen.undrawnBytes > 32 * 1024) await screen.lines();
    }
    return (await screen.lines()).length;
  };
  const shown = async (because: "attached" | "behind") =>
    Buffer.from(await screen.restore(because))
      .toString("utf8")
      .split("\r\n").length;

  // The screen's last row is empty, and so is none of its lines.
  assert.equal(await draw(5_000), 1_000 + 23);
  assert.equal(await shown("attached"), 1_000 + 24);
  assert.equal(await shown("behind"), 100 + 24);
  screen.resize({ columns: 500, rows: 24 });

  assert.equal(await draw(5_000), 160_000 / 500 + 23);
  screen.dispose();
});

test("a screen that takes more to be restored than there is room for loses what has scrolled off it, and then its colours", async () => {
  const screen = new Screen();
  screen.resize({ columns: 500, rows: 200 });
  const colourful = async (rows: number) => {
    for (let row = 0; row < rows; row += 1) {
      const cells = Array.from(
        { length: 499 },
        (_, cell) => `\x1b[38;2;${cell % 256};${row % 256};7m${cell % 10}`,
      );
      screen.push(bytes(`${cells.join("")}\r\n`));
      await screen.lines();
    }
    return Buffer.from(await screen.restore("attached"));
  };

  const some = await colourful(10);
  assert.ok(some.length <= 128 * 1024 && some.includes("\x1b[38;2;"), `${some.length}`);
  const all = await colourful(300);

  assert.ok(all.length <= 128 * 1024 && all.includes("012345678"), `${all.length}`);
  assert.ok(!all.includes("\x1b[38;2;"), "colours");
  screen.dispose();
});

test("where something is left out, nothing of what was under way before it goes on behind it", async () => {
  const screen = new Screen();
  screen.push(bytes("\x1b[7m\x1b]0;a title that does not end"));
  await screen.drawSome();

  for (let piece = 0; piece < 100; piece += 1) screen.push(bytes(`${"y".repeat(1_000)}\r\n`));
  screen.push(bytes("prompt # "));

  assert.equal((await screen.lines()).at(-1), "prompt # ");
  const restored = Buffer.from(await screen.restore("attached")).toString("utf8");
  assert.ok(!restored.includes("\x1b[7m"), "what is reversed");
  screen.dispose();
});
