import assert from "node:assert/strict";
import { test } from "node:test";
import { CliFailure } from "../exit-status.ts";
import { type Field, Output, type Sink } from "./output.ts";

class Screen implements Sink {
  text = "";
  readonly isTTY: boolean;
  readonly columns = 40;
  readonly #colours: boolean;

  constructor({ isTTY = false, colours = false } = {}) {
    this.isTTY = isTTY;
    this.#colours = colours;
  }

  write(text: string): void {
    this.text += text;
  }

  hasColors(): boolean {
    return this.#colours;
  }
}

const now = () => Date.parse("2026-11-22T12:00:00Z");

function screens({ json = false, isTTY = false, colours = false } = {}) {
  const out = new Screen({ isTTY, colours });
  const err = new Screen({ isTTY });
  return { out, err, output: new Output({ json, out, err, now }) };
}

interface Thing {
  readonly name: string;
  readonly state: string;
}

const FIELDS: readonly Field<Thing>[] = [
  { title: "NAME", value: ({ name }) => name },
  { title: "STATE", value: ({ state }) => state, tone: () => "good" },
  { title: "NOTE", value: () => undefined },
];

test("colour stands only where a terminal has it, and always beside the word", () => {
  const things = [{ name: "a", state: "running" }];
  const plain = screens();
  const terminal = screens({ isTTY: true, colours: true });
  const colourless = screens({ isTTY: true });

  for (const { output } of [plain, terminal, colourless]) output.list(things, FIELDS, "none");

  assert.ok(terminal.out.text.includes("\u001b[32mrunning\u001b[39m"));
  assert.ok(!(plain.out.text + colourless.out.text).includes("\u001b"));
  assert.match(plain.out.text, /^NAME {2}STATE {4}NOTE\na {5}running {2}–\n$/);
});

test("what a server says cannot steer the terminal", () => {
  const { output, out } = screens();

  output.list([{ name: "a\u001b[2Jb\r\nc\u202Ed", state: "x" }], FIELDS, "none");

  for (const control of ["\u001b", "\r", "\u202E"]) assert.ok(!out.text.includes(control));
  assert.equal(out.text.trimEnd().split("\n").length, 2);
});

test("an empty list says how to fill it, beside the result", () => {
  const people = screens();
  const scripts = screens({ json: true });

  people.output.list([], FIELDS, "None yet: porthole thing add");
  scripts.output.list([], FIELDS, "None yet: porthole thing add");

  assert.deepEqual([people.out.text, people.err.text], ["", "None yet: porthole thing add\n"]);
  assert.deepEqual([scripts.out.text, scripts.err.text], ["[]\n", ""]);
});

test("a record shows a field a line and leaves out what there is not", () => {
  const { output, out } = screens();

  output.record({ name: "a", state: "running" }, FIELDS);

  assert.equal(out.text, "NAME   a\nSTATE  running\n");
});

test("times are relative at a terminal and exact everywhere else", () => {
  assert.equal(screens({ isTTY: true }).output.time("2026-11-22T11:00:00Z"), "1 hour ago");
  assert.equal(screens().output.time("2026-11-22T11:00:00Z"), "2026-11-22T11:00:00Z");
  assert.equal(screens().output.time(undefined), undefined);
});

test("until when something holds is told in UTC, and to people alone", () => {
  const { output, err } = screens();
  const json = screens({ json: true });

  for (const each of [output, json.output]) each.noteUntil("It works once", "2026-11-22T12:00:30.250Z");

  assert.equal(err.text, "It works once, until 2026-11-22T12:00:30Z (in 30 seconds).\n");
  assert.equal(json.err.text, "");
});

test("a failure is said with what to do next; its reference only where an operator must look", () => {
  const own = screens();
  const inside = screens();
  const json = screens({ json: true });
  const details = { remedy: "Try that.", reference: "ref-1" };

  own.output.failure(new CliFailure("notFound", "there is no machine “x”", details));
  inside.output.failure(new CliFailure("failed", "something went wrong", details));
  json.output.failure(new CliFailure("refused", "no", { ...details, code: "forbidden" }));

  assert.equal(own.err.text, "porthole: there is no machine “x”\nTry that.\n");
  assert.equal(inside.err.text, "porthole: something went wrong\nTry that.\nReference: ref-1\n");
  assert.deepEqual(JSON.parse(json.err.text), {
    error: { code: "forbidden", message: "no", remedy: "Try that.", reference: "ref-1" },
  });
  assert.equal(own.out.text + inside.out.text + json.out.text, "");
});
