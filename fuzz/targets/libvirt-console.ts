import type { Sequence } from "#base/sequence.ts";
import { openConsoleLine, SignInUnspoken } from "#protocols/libvirt/console.ts";
import { type ConsoleEvent, ConsoleReader } from "#protocols/libvirt/console-stream.ts";
import { RemoteError } from "#protocols/libvirt/remote-error.ts";
import type { Cut, Target } from "../target.ts";
import { words } from "./libvirt-rpc.ts";
import { converse } from "./sequence.ts";
import { outcome, told } from "./told.ts";

/** By a socket, which is what was recorded. */
export const LINE = {
  ...{ uri: "qemu:///session", domain: "6695eb01-f6a4-8304-79aa-97f2502e193f", device: "serial0" },
  isFar: false,
} as const;

/** By which libvirt knows the stream that was recorded: that of the third call. */
const SERIAL = 3;

const stream = (status: number) =>
  Uint8Array.from([0, 0, 0, 201, 0, 0, 0, 3, 0, 0, 0, SERIAL, 0, 0, 0, status]);

/** A serial line of libvirt's: what is said before it is open, and then in it. */
export const consoleLine: Target = {
  name: "libvirt-console",
  words: [...words, stream(0), stream(1), stream(2)],
  maxBytes: 64 * 1024,
  run(input, cut) {
    const opening = [false, true].map((isFar) =>
      converse(input, cut, (send) => answered(openConsoleLine(send, { ...LINE, isFar }))),
    );
    return told([...opening, line(input, cut)]);
  },
};

/** What libvirt refuses is an answer, too. */
function* answered<Result>(sequence: Sequence<Result>): Sequence<Result | string> {
  try {
    return yield* sequence;
  } catch (error) {
    if (error instanceof RemoteError || error instanceof SignInUnspoken) return told(error.message);
    throw error;
  }
}

/** The same as though the line were open, from each packet that may be one of its on. */
function line(input: Uint8Array, cut: Cut): string {
  const events: ConsoleEvent[] = [];
  const reader = new ConsoleReader(SERIAL);
  const from = Math.max(0, Buffer.from(input).indexOf(stream(2)) - 12);
  const ending = outcome(() => {
    for (const piece of cut(input.subarray(from))) for (const event of reader.push(piece)) events.push(event);
  });
  const toldEvents = events.map((event) => (event.kind === "failed" ? event.error.message : told(event)));
  return `${ending} ${told(toldEvents)}`;
}
