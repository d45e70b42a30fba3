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
