import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { eventually } from "../harness/eventually.ts";

/**
 * What QEMU itself says of a guest's keyboard. Its controller has room for 16 bytes and drops what comes beyond, as the
 * real one does: a guest whose processor gets no time, on a busy machine, loses keys of whoever types on. And it tells
 * a key that was lost there from one that QEMU never heard of.
 */
export class GuestKeyboard {
  readonly #log: string;

  /** `log` is what the QEMU that has its `keyboardArgs` writes. */
  constructor(log: string) {
    this.#log = log;
  }

  /** How often QEMU was told of a key that went down. */
  get presses(): number {
    return this.#lines.filter((line) => /^input_event_key_.* down 1$/.test(line)).length;
  }

  /** Waits until QEMU was told of `presses` since it started, and the guest has read all of them. */
  async hasRead(presses: number): Promise<void> {
    await eventually(() => {
      assert.equal(this.presses, presses, "the keys that QEMU was told of");
      assert.equal(this.#unread, 0, "what the guest has not read, or what its keyboard's controller dropped");
    });
  }

  /** In bytes. The guest reads more than was typed: what its keyboard acknowledges. */
  get #unread(): number {
    let unread = 0;
    for (const line of this.#lines) {
      // 0xf0 says that the next is a release: it makes one byte with that.
      if (line.startsWith("ps2_put_keycode") && !line.endsWith("0xf0")) unread++;
      else if (line.startsWith("ps2_read_data")) unread = Math.max(0, unread - 1);
    }
    return unread;
  }

  get #lines(): readonly string[] {
    return readFileSync(this.#log, "utf8").split("\n");
  }
}

/** Has QEMU write down what it is told of keys, and what the guest reads of them. */
export function keyboardArgs(log: string): readonly string[] {
  return [
    "-D",
    log,
    ...["input_event_key_*", "ps2_put_keycode", "ps2_read_data"].flatMap((event) => ["-trace", event]),
  ];
}
