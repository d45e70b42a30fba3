import { mkdtempSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const HEAD_BYTES = 8;

/** Longer than whatever any target is given. */
const INPUT_BYTES = 1024 * 1024;

/**
 * What a fuzzing process is at, in a file that outlives it: its input is to be had even of one that hangs or was killed.
 * How many inputs it has begun, and how long the last one is, each in 32 bits; then that one's bytes.
 */
export class Progress {
  readonly file: string;
  readonly #folder: string;

  constructor() {
    this.#folder = mkdtempSync(join(tmpdir(), "ph-fuzz-"));
    this.file = join(this.#folder, "progress");
  }

  get begun(): number {
    return this.#read()?.readUInt32LE(0) ?? 0;
  }

  get input(): Uint8Array {
    const read = this.#read();
    if (read === undefined) return new Uint8Array(0);
    return Uint8Array.from(read.subarray(HEAD_BYTES, HEAD_BYTES + read.readUInt32LE(4)));
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Undefined before the first input. */
  #read(): Buffer | undefined {
    try {
      const read = readFileSync(this.file);
      return read.length < HEAD_BYTES ? undefined : read;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
  }
}

/** Writes what `Progress` reads, each input in one call of the system's, so that what is read is never half of it. */
export class ProgressWriter {
  readonly #file: number;
  readonly #bytes = Buffer.alloc(HEAD_BYTES + INPUT_BYTES);
  #begun = 0;

  constructor(file: string) {
    this.#file = openSync(file, "w");
  }

  begin(input: Uint8Array): void {
    this.#begun += 1;
    const length = Math.min(input.length, INPUT_BYTES);
    this.#bytes.writeUInt32LE(this.#begun, 0);
    this.#bytes.writeUInt32LE(length, 4);
    this.#bytes.set(input.subarray(0, length), HEAD_BYTES);
    writeSync(this.#file, this.#bytes, 0, HEAD_BYTES + length, 0);
  }
}
