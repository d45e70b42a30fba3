/** One line on the terminal's screen. */
export interface Row {
  readonly text: string;
  readonly tone: "typed" | "told";
  /** Characters at its beginning that are the prompt. */
  readonly prompt?: number;
}

/** The part of the terminal's paper that is on its screen. */
export interface TerminalScreen {
  /** How many rows of the paper lie above. */
  readonly top: number;
  readonly rows: readonly Row[];
  /** Where the next character will stand. */
  readonly cursor: { readonly column: number; readonly row: number };
}

const PROMPT = "> ";

const limits = {
  /** A line that is being typed; more is not taken. */
  typedCharacters: 240,
  /** What is told in one go; more is cut. */
  toldCharacters: 400,
  /** Rows remembered above the screen, so that erasing a long line can bring them back. */
  rowsAbove: 16,
} as const;

/** Paper that people type on and are told things on. It knows nothing of pixels. */
export class Terminal {
  readonly #columns: number;
  readonly #rowCount: number;
  #paper: Row[] = [];
  /** Rows that were forgotten at the top. */
  #forgotten = 0;
  #typed: readonly string[] = [];

  constructor(columns: number, rows: number) {
    this.#columns = columns;
    this.#rowCount = rows;
  }

  type(character: string): void {
    if (this.#typed.length < limits.typedCharacters) this.#typed = [...this.#typed, character];
  }

  erase(): void {
    this.#typed = this.#typed.slice(0, -1);
  }

  discard(): void {
    this.#typed = [];
  }

  /** Ends the line that is being typed, and returns it. */
  enter(): string {
    const line = this.#typed.join("");
    this.#write(promptRows(this.#typed, this.#columns));
    this.#typed = [];
    return line;
  }

  /** Writes a text above the line that is being typed. */
  tell(text: string): void {
    const line = [...text.replace(/\p{Cc}+/gu, " ").trim()];
    const shown =
      line.length > limits.toldCharacters ? [...line.slice(0, limits.toldCharacters), "..."] : line;
    this.#write(wrap(shown, this.#columns).map((row) => ({ text: row, tone: "told" })));
  }

  screen(): TerminalScreen {
    const all = [...this.#paper, ...promptRows(this.#typed, this.#columns)];
    const above = Math.max(0, all.length - this.#rowCount);
    const rows = all.slice(above);
    const column = (PROMPT.length + this.#typed.length) % this.#columns;
    return { top: this.#forgotten + above, rows, cursor: { column, row: rows.length - 1 } };
  }

  #write(rows: readonly Row[]): void {
    const all = [...this.#paper, ...rows];
    const surplus = Math.max(0, all.length - this.#rowCount - limits.rowsAbove);
    this.#paper = all.slice(surplus);
    this.#forgotten += surplus;
  }
}

/** Ends with a row that has room for the cursor. */
function promptRows(typed: readonly string[], columns: number): Row[] {
  const line = [...PROMPT, ...typed];
  const rows = wrap(line, columns);
  if (line.length % columns === 0) rows.push("");
  return rows.map((text, index) => ({
    text,
    tone: "typed",
    ...(index === 0 ? { prompt: PROMPT.length } : {}),
  }));
}

function wrap(characters: readonly string[], columns: number): string[] {
  const rows: string[] = [];
  for (let start = 0; start < characters.length; start += columns)
    rows.push(characters.slice(start, start + columns).join(""));
  return rows;
}
