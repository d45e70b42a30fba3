import assert from "node:assert/strict";
import { test } from "node:test";
import headless from "@xterm/headless";
import { type WrittenBuffer, writtenLines } from "./written-lines.ts";

function buffer(...lines: (readonly [text: string, isWrapped?: boolean])[]): WrittenBuffer {
  return {
    length: lines.length,
    getLine: (index) => {
      const line = lines[index];
      if (line === undefined) return undefined;
      const [text, isWrapped = false] = line;
      return {
        isWrapped,
        translateToString: (trimRight) => (trimRight ? text.trimEnd() : text),
      };
    },
  };
}

test("lines that were wrapped are whole again, with the blanks between", () => {
  const lines = writtenLines(buffer(["one tw"], ["o "], ["a b "], ["c   ", true]));

  assert.deepEqual(lines, ["one tw", "o", "a b c"]);
});

test("blanks at the end of a line and empty lines at the end are left out", () => {
  assert.deepEqual(writtenLines(buffer(["one   "], [""], ["two"], [""], [" "])), ["one", "", "two"]);
  assert.deepEqual(writtenLines(buffer([""], [""])), []);
});

test("the last line of a full buffer has no blanks behind it, whatever the first one goes on from", async () => {
  const terminal = new headless.Terminal({ cols: 4, rows: 2, scrollback: 0, allowProposedApi: true });

  // What is left at the top is the second half of a line.
  await new Promise<void>((resolve) => terminal.write("\r\nabcdefgh\r\nx", resolve));

  assert.equal(terminal.buffer.normal.getLine(0)?.isWrapped, true);
  assert.deepEqual(writtenLines(terminal.buffer.normal), ["efgh", "x"]);
  terminal.dispose();
});
