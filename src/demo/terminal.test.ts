import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { Canvas } from "./canvas.ts";
import { LAYOUT, PALETTE } from "./design.ts";
import { Terminal } from "./terminal.ts";
import { TerminalView } from "./terminal-view.ts";

const COLUMNS = 10;
const ROWS = 4;

function type(terminal: Terminal, text: string): void {
  for (const character of text) terminal.type(character);
}

function lines(terminal: Terminal): readonly string[] {
  return terminal.screen().rows.map(({ text }) => text);
}

test("an untouched terminal has a prompt, and the cursor behind it", () => {
  const screen = new Terminal(COLUMNS, ROWS).screen();

  assert.deepEqual(screen.rows, [{ text: "> ", tone: "typed", prompt: 2 }]);
  assert.deepEqual(screen.cursor, { column: 2, row: 0 });
});

test("what is typed stands behind the prompt, less what was erased", () => {
  const terminal = new Terminal(COLUMNS, ROWS);

  type(terminal, "abcd");
  terminal.erase();

  assert.deepEqual(lines(terminal), ["> abc"]);
  assert.deepEqual(terminal.screen().cursor, { column: 5, row: 0 });
});

test("erasing nothing does nothing", () => {
  const terminal = new Terminal(COLUMNS, ROWS);

  terminal.erase();

  assert.deepEqual(lines(terminal), ["> "]);
});

test("a line can be discarded", () => {
  const terminal = new Terminal(COLUMNS, ROWS);

  type(terminal, "abc");
  terminal.discard();

  assert.deepEqual(lines(terminal), ["> "]);
});

test("Enter returns the line and begins a new one", () => {
  const terminal = new Terminal(COLUMNS, ROWS);
  type(terminal, "one");

  assert.equal(terminal.enter(), "one");
  assert.deepEqual(lines(terminal), ["> one", "> "]);
});

test("a long line is wrapped, and the cursor always has a place", () => {
  const terminal = new Terminal(COLUMNS, ROWS);

  type(terminal, "12345678");

  assert.deepEqual(lines(terminal), ["> 12345678", ""]);
  assert.deepEqual(terminal.screen().cursor, { column: 0, row: 1 });
});

test("what is told stands above the line that is being typed", () => {
  const terminal = new Terminal(COLUMNS, ROWS);
  type(terminal, "abc");

  terminal.tell("news");

  assert.deepEqual(lines(terminal), ["news", "> abc"]);
});

test("control characters are told as spaces", () => {
  const terminal = new Terminal(20, ROWS);

  terminal.tell("a\r\nb\u0000c\u001b[31m");

  assert.deepEqual(lines(terminal), ["a b c [31m", "> "]);
});

test("the oldest rows leave at the top", () => {
  const terminal = new Terminal(COLUMNS, ROWS);

  for (const text of ["1", "2", "3", "4", "5"]) terminal.tell(text);

  assert.deepEqual(lines(terminal), ["3", "4", "5", "> "]);
  assert.equal(terminal.screen().top, 2);
});

describe("what is remembered is bounded:", () => {
  test("the line that is being typed", () => {
    const terminal = new Terminal(80, 13);

    type(terminal, "x".repeat(10_000));

    assert.equal(terminal.enter().length, 240);
  });

  test("a text that is told", () => {
    const terminal = new Terminal(100, 20);

    terminal.tell("x".repeat(1_000_000));

    assert.equal(lines(terminal).join("").length, 400 + "...".length + "> ".length);
  });
});

/** What people and machines do to a terminal. */
const deeds = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.string({ maxLength: 30 }).map((text) => (t: Terminal) => type(t, text)) },
    { weight: 3, arbitrary: fc.constant((t: Terminal) => void t.enter()) },
    { weight: 2, arbitrary: fc.string({ maxLength: 200 }).map((text) => (t: Terminal) => t.tell(text)) },
    { weight: 1, arbitrary: fc.constant((t: Terminal) => t.discard()) },
    { weight: 1, arbitrary: fc.constant((t: Terminal) => t.erase()) },
  ),
  { maxLength: 12 },
);

test("painting only what changed comes to the same as painting everything", () => {
  const { columns, rows } = LAYOUT.terminal;
  const panel = () => {
    const canvas = new Canvas(LAYOUT.width, LAYOUT.height);
    canvas.fill(canvas.area, PALETTE.panel);
    return canvas;
  };
  fc.assert(
    fc.property(fc.array(deeds, { maxLength: 8 }), (rounds) => {
      const terminal = new Terminal(columns, rows);
      const view = new TerminalView();
      const [painted, fresh] = [panel(), panel()];

      for (const round of rounds) {
        for (const deed of round) deed(terminal);
        view.paint(painted, terminal.screen());
      }

      view.paint(painted, terminal.screen());
      new TerminalView().paint(fresh, terminal.screen());
      assert.ok(painted.equals(fresh, painted.area));
    }),
    { numRuns: 40 },
  );
});
