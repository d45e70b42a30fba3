import { once } from "node:events";
import { Duplex } from "node:stream";
import { LibvirtConnection } from "#hypervisors/libvirt/connection.ts";
import type { Target } from "../target.ts";
import { CALLS, PICTURE, words } from "./libvirt-rpc.ts";
import { told } from "./told.ts";

const limits = {
  /** Above that of the picture that was recorded. */
  pictureBytes: 32 * 1024,
} as const;

/** A connection with calls that wait for their answers: whatever libvirt says, each of them is answered once, or told why not. */
export const connection: Target = {
  name: "libvirt-connection",
  words,
  maxBytes: 64 * 1024,
  async run(input, cut) {
    const sent: number[] = [];
    const events: unknown[] = [];
    const stream = new Duplex({
      read() {},
      write(chunk: Buffer, _, done) {
        sent.push(chunk.length);
        done();
      },
    });
    const under = new LibvirtConnection(stream, { onLifecycle: (event) => void events.push(event) });
    const endings = [
      ...CALLS.map((call) => under.call<unknown>(call)),
      under.download(PICTURE, { maxBytes: limits.pictureBytes }),
    ].map((call) =>
      call.then(told, (error: unknown) =>
        error instanceof Error ? `${error.name}: ${error.message}` : told(error),
      ),
    );
    // What is not awaited between two pieces is not awaited by what reads a socket either.
    for (const piece of cut(input)) stream.emit("data", Buffer.from(piece));
    const wasOpen = under.isOpen;
    under.close();
    // What a stream does at its end, it does later.
    await once(stream, "close");
    return told([wasOpen, await Promise.all(endings), await under.ended, events, sent]);
  },
};
