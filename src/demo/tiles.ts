import type { Area } from "#protocols/rfb/messages.ts";

/** The side of a tile, in pixels: small enough to send little, large enough to keep rectangles few. */
const SIDE = 16;

/** Which tiles of a screen are concerned: what one viewer does not have yet, or what changed at once. */
export class Tiles {
  readonly #width: number;
  readonly #height: number;
  readonly #columns: number;
  readonly #rows: number;
  readonly #marks: Uint8Array;
  #count = 0;

  constructor(width: number, height: number) {
    this.#width = width;
    this.#height = height;
    this.#columns = Math.ceil(width / SIDE);
    this.#rows = Math.ceil(height / SIDE);
    this.#marks = new Uint8Array(this.#columns * this.#rows);
  }

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  /** Marks every tile that the area touches. */
  add(area: Area): void {
    for (const index of this.#touched(area)) this.#mark(index);
  }

  /** Marks what is marked in another set of the same screen. */
  addAll(other: Tiles): void {
    for (const [index, mark] of other.#marks.entries()) if (mark !== 0) this.#mark(index);
  }

  touches(area: Area): boolean {
    for (const index of this.#touched(area)) if (this.#marks[index] !== 0) return true;
    return false;
  }

  /** The area of every marked tile. */
  *[Symbol.iterator](): Generator<Area> {
    for (const [index, mark] of this.#marks.entries())
      if (mark !== 0)
        yield this.#pixels({
          column: index % this.#columns,
          row: Math.floor(index / this.#columns),
          columns: 1,
          rows: 1,
        });
  }

  /** Takes out the marked tiles that touch an area, put together to few rectangles. */
  takeRectangles(area: Area): readonly Area[] {
    const taken = new Set<number>();
    for (const index of this.#touched(area)) if (this.#marks[index] !== 0) taken.add(index);
    for (const index of taken) this.#marks[index] = 0;
    this.#count -= taken.size;
    return this.#rectangles(taken).map((block) => this.#pixels(block));
  }

  /** Runs within a row, and then runs of the same extent in rows below each other. */
  #rectangles(tiles: ReadonlySet<number>): readonly Block[] {
    const done: Block[] = [];
    let open = new Map<string, Block>();
    for (let row = 0; row < this.#rows; row++) {
      const next = new Map<string, Block>();
      for (const { column, columns } of this.#runs(tiles, row)) {
        const key = `${column}+${columns}`;
        const above = open.get(key);
        open.delete(key);
        next.set(key, above ? { ...above, rows: above.rows + 1 } : { column, columns, row, rows: 1 });
      }
      done.push(...open.values());
      open = next;
    }
    return [...done, ...open.values()];
  }

  *#runs(tiles: ReadonlySet<number>, row: number): Generator<{ column: number; columns: number }> {
    const has = (column: number) => column < this.#columns && tiles.has(row * this.#columns + column);
    for (let column = 0; column < this.#columns; column++) {
      if (!has(column)) continue;
      let end = column + 1;
      while (has(end)) end++;
      yield { column, columns: end - column };
      column = end;
    }
  }

  *#touched({ x, y, width, height }: Area): Generator<number> {
    const right = Math.min(this.#columns, Math.ceil((x + width) / SIDE));
    const bottom = Math.min(this.#rows, Math.ceil((y + height) / SIDE));
    if (width <= 0 || height <= 0) return;
    for (let row = Math.max(0, Math.floor(y / SIDE)); row < bottom; row++)
      for (let column = Math.max(0, Math.floor(x / SIDE)); column < right; column++)
        yield row * this.#columns + column;
  }

  #mark(index: number): void {
    if (this.#marks[index] !== 0) return;
    this.#marks[index] = 1;
    this.#count++;
  }

  /** The last column and row may be cut off by the end of the screen. */
  #pixels({ column, row, columns, rows }: Block): Area {
    const [x, y] = [column * SIDE, row * SIDE];
    return {
      x,
      y,
      width: Math.min(columns * SIDE, this.#width - x),
      height: Math.min(rows * SIDE, this.#height - y),
    };
  }
}

interface Block {
  readonly column: number;
  readonly row: number;
  readonly columns: number;
  readonly rows: number;
}
