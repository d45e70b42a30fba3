/** The machine's end of a serial line: it greets, prints as fast as it is told, and stops at Ctrl-C. */
import { createServer, type Socket } from "node:net";
import { serve } from "./remote.ts";

export interface SerialLineCommands {
  /** Says `greeting` to whoever connects. */
  listen(order: { readonly greeting: string }): Promise<{ readonly port: number }>;
  /** Prints so much a second, as far as it is taken, on the line that was opened last. */
  flood(order: { readonly bytesPerSecond: number }): Promise<void>;
  /** When Ctrl-C came, in milliseconds since 1970. Behind it stand 2 KiB or so more, and `prompt`. */
  stopped(order: { readonly prompt: string }): Promise<{ readonly at: number }>;
  /** Bytes printed since the last `flood`. */
  printed(): Promise<{ readonly bytes: number }>;
}

const INTERRUPT = 0x03;
const TICK_MS = 4;
/** What waits in this process beside what the kernel holds: a real line has next to nothing. */
const WAITING_BYTES = 64 * 1024;

const LINES = Array.from(
  { length: 1000 },
  (_, index) => `\x1b[32m[${String(index).padStart(9)}]\x1b[m systemd[1]: Started unit ${index} of many.\r\n`,
);
const BLOCK = Buffer.from(LINES.join(""));

let greeting = "";
let line: Socket | undefined;
let timer: NodeJS.Timeout | undefined;
let bytes = 0;
let stop = Promise.withResolvers<number>();

const server = createServer({ noDelay: true }, (socket) => {
  line = socket;
  socket.on("error", () => socket.destroy());
  socket.on("data", (chunk) => {
    if (!chunk.includes(INTERRUPT) || timer === undefined) return;
    const at = performance.timeOrigin + performance.now();
    clearInterval(timer);
    timer = undefined;
    stop.resolve(at);
  });
  socket.write(greeting);
});

serve<SerialLineCommands>({
  listen: async (order) => {
    greeting = order.greeting;
    await new Promise<void>((resolve) => server.listen({ host: "127.0.0.1", port: 0 }, resolve));
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("not a TCP address");
    return { port: address.port };
  },
  flood: async ({ bytesPerSecond }) => {
    clearInterval(timer);
    bytes = 0;
    stop = Promise.withResolvers();
    const start = performance.now();
    let due = 0;
    timer = setInterval(() => {
      const socket = line;
      if (socket === undefined || socket.destroyed) return;
      due = ((performance.now() - start) / 1000) * bytesPerSecond;
      // What was not taken in time is not made up for: a machine that waits prints later.
      while (bytes < due && socket.writableLength < WAITING_BYTES) {
        const piece = BLOCK.subarray(
          bytes % BLOCK.length,
          Math.min(BLOCK.length, (bytes % BLOCK.length) + 16_384),
        );
        socket.write(piece);
        bytes += piece.length;
      }
    }, TICK_MS);
  },
  stopped: async ({ prompt }) => {
    const at = await stop.promise;
    line?.write(`\r\n${prompt}`);
    return { at };
  },
  printed: async () => ({ bytes }),
});
