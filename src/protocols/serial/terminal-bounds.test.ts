import assert from "node:assert/strict";
import { test } from "node:test";
import headless from "@xterm/headless";
import { boundTerminal } from "./terminal-bounds.ts";

const COLUMNS = 40;
const ROWS = 5;

for (const [name, sequence] of [
  ["scrolling up", "\x1b[2147483647S"],
  ["scrolling down", "\x1b[2147483647T"],
  ["inserting lines", "\x1b[1H\x1b[2147483647L"],
  ["deleting lines", "\x1b[1H\x1b[2147483647M"],
  ["tabulating", "\x1b[2147483647I"],
  ["tabulating back", "\x1b[2147483647Z"],
  ["repeating a character", "x\x1b[2147483647b"],
] as const)
  test(`${name} two thousand million times is done as often as there is room`, async () => {
    const terminal = bounded();

    await write(terminal, `${sequence}\x1b[1;1Hdone`);

    assert.match(line(terminal, 0), /^done/);
  });

test("what a program asks for is done as often as it says", async () => {
  const terminal = bounded();

  await write(terminal, "one\r\ntwo\r\nthree\x1b[2S\x1b[1;1H\x1b[L\x1b[1;1Hx\x1b[4b\x1b[2Iy");

  assert.deepEqual([line(terminal, 0), line(terminal, 1)], ["xxxxx           y", "three"]);
});

test("a control string that is too long does nothing, and what follows it is drawn", async () => {
  const terminal = bounded();
  const titles: string[] = [];
  terminal.onTitleChange((title) => titles.push(title));

  await write(terminal, `\x1b]0;${"t".repeat(100)}\x07\x1b]2;short\x07`);
  await write(terminal, `\x1b]0;${"t".repeat(60)}`);
  await write(terminal, `${"t".repeat(60)}\x07\x1bP$q${"q".repeat(200)}\x1b\\done`);

  assert.deepEqual(titles, ["short"]);
  assert.match(line(terminal, 0), /^done/);
});

test("of a control string that never ends no more is kept than is allowed", async () => {
  const terminal = bounded();
  const kept = () =>
    Object.values(
      (
        terminal as unknown as {
          _core: { _inputHandler: { _parser: { _oscParser: { _handlers: object } } } };
        }
      )._core._inputHandler._parser._oscParser._handlers,
    )
      .flat()
      .reduce((sum: number, { _data }: { readonly _data: string }) => sum + _data.length, 0);

  await write(terminal, "\x1b]0;some");
  const before = kept();
  for (let count = 0; count < 100; count += 1) await write(terminal, "t".repeat(90));

  assert.equal(before, 4);
  assert.ok(kept() <= 100, `${kept()} characters`);
});

function bounded(): headless.Terminal {
  const terminal = new headless.Terminal({ cols: COLUMNS, rows: ROWS, allowProposedApi: true });
  boundTerminal(terminal, { stringCharacters: 100 - "0;".length });
  return terminal;
}

async function write(terminal: headless.Terminal, text: string): Promise<void> {
  await new Promise<void>((resolve) => terminal.write(text, resolve));
}

function line({ buffer: { active } }: headless.Terminal, row: number): string {
  return active.getLine(active.baseY + row)?.translateToString(true) ?? "";
}
