import { styleText } from "node:util";
import { oneLine } from "#wire/gateway-error.ts";
import type { CliFailure } from "../exit-status.ts";
import { type Column, renderTable } from "./table.ts";
import { relativeTime } from "./units.ts";

/** A column as a command names it; texts come from the server, so they are made fit for a terminal here. */
export type Tone = "good" | "bad" | "faint" | "plain";
export interface Field<Item> {
  readonly title: string;
  readonly align?: "left" | "right";
  readonly keep?: boolean;
  readonly spare?: boolean;
  readonly value: (item: Item) => string | undefined;
  /** Colour beside the word, never in place of it. */
  readonly tone?: (item: Item) => Tone;
}

/** What an output writes to; `process.stdout` and `process.stderr` are such. */
export interface Sink {
  write(text: string, done?: (error?: Error | null) => void): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
  hasColors?(): boolean;
}

const STYLES = { good: "green", bad: "red", faint: "dim" } as const;

/** How results are said: tables and words for people, or, with `--json`, exactly one JSON value. */
export class Output {
  readonly json: boolean;
  readonly #out: Sink;
  readonly #err: Sink;
  readonly #now: () => number;

  constructor(options: {
    readonly json: boolean;
    readonly out: Sink;
    readonly err: Sink;
    readonly now: () => number;
  }) {
    this.json = options.json;
    this.#out = options.out;
    this.#err = options.err;
    this.#now = options.now;
  }

  /** The one result of a command: `value` as JSON, or `text` for people. */
  result(value: unknown, text: string): void {
    this.#line(this.json ? JSON.stringify(value) : text);
  }

  /** A list, as a table that fits the terminal; `empty` says how to fill it. */
  list<Item>(items: readonly Item[], fields: readonly Field<Item>[], empty: string): void {
    if (this.json) this.#line(JSON.stringify(items));
    else if (items.length === 0) this.note(empty);
    else {
      const title = (text: string) => this.painted("faint", text);
      const columns = fields.map((field) => this.#column(field));
      const width = this.#out.isTTY === true ? { width: this.#out.columns || 80 } : {};
      for (const line of renderTable(items, columns, { ...width, title })) this.#line(line);
    }
  }

  /** One thing, a field a line. */
  record<Item>(item: Item, fields: readonly Field<Item>[]): void {
    if (this.json) {
      this.#line(JSON.stringify(item));
      return;
    }
    const shown = fields.filter((field) => field.value(item) !== undefined);
    const width = Math.max(...shown.map(({ title }) => title.length));
    for (const field of shown) {
      const { value, paint } = this.#column(field);
      const text = value(item);
      this.#line(`${this.painted("faint", field.title.padEnd(width))}  ${paint?.(text, item) ?? text}`);
    }
  }

  /** A piece of a result that is too long to be held. Resolves when whoever reads it takes more. */
  async raw(text: string): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#out.write(text, (error) => (error == null ? resolve() : reject(error)));
    await promise;
  }

  /** Something beside the result, on standard error. */
  note(text: string): void {
    this.#err.write(`${text}\n`);
  }

  warn(text: string): void {
    this.note(`porthole: warning: ${text}`);
  }

  failure(failure: CliFailure): void {
    const { code, message, remedy, reference } = failure;
    if (this.json)
      this.note(JSON.stringify({ error: { code: code ?? failure.exit, message, remedy, reference } }));
    else {
      this.note(`porthole: ${message}`);
      if (remedy !== undefined) this.note(remedy);
      // What the caller can mend needs no operator, so no reference.
      if (reference !== undefined && (failure.exit === "failed" || failure.exit === "unavailable"))
        this.note(`Reference: ${reference}`);
    }
  }

  now(): number {
    return this.#now();
  }

  /** Relative for people at a terminal, exact for everything else. */
  time(time: string): string;
  time(time: string | undefined): string | undefined;
  time(time: string | undefined): string | undefined {
    if (time === undefined || this.#out.isTTY !== true) return time;
    return relativeTime(time, this.#now());
  }

  /** Beside the result, of what holds for a while: the end in UTC, which is the same wherever it is read. */
  noteUntil(text: string, time: string): void {
    if (this.json) return;
    const exact = time.replace(/\.\d+Z$/, "Z");
    this.note(`${text}, until ${exact} (${relativeTime(time, this.#now())}).`);
  }

  /** Says what is waited for, where someone sees it. Undo it when the wait is over. */
  waiting(text: string, afterMs: number): Disposable {
    const timer =
      this.#err.isTTY === true && !this.json ? setTimeout(() => this.note(text), afterMs) : undefined;
    return { [Symbol.dispose]: () => clearTimeout(timer) };
  }

  #column<Item>({ value, tone, ...field }: Field<Item>): Column<Item> {
    return {
      ...field,
      value: (item) => oneLine(value(item) ?? "–"),
      ...(tone === undefined ? {} : { paint: (cell: string, item: Item) => this.painted(tone(item), cell) }),
    };
  }

  /** Coloured where that is seen, and the same text everywhere else. */
  painted(tone: Tone, text: string): string {
    const coloured = this.#out.isTTY === true && this.#out.hasColors?.() === true;
    return coloured && tone !== "plain" ? styleText(STYLES[tone], text, { validateStream: false }) : text;
  }

  #line(text: string): void {
    this.#out.write(`${text}\n`);
  }
}
