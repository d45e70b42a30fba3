/**
 * The machine's end of every measurement: an RFB 3.8 server without security that answers a viewer's first
 * request with one small update and then does what it is told: nothing, small updates at a pace, or a flood.
 */
import { createServer, type Server, type Socket } from "node:net";
import { serve } from "./remote.ts";
import {
  CLIENT_INIT_SHARED,
  rawUpdate,
  SECURITY_NONE,
  SECURITY_RESULT_OK,
  SECURITY_TYPES,
  SERVER_INIT,
  STAMP_OFFSET,
  smallUpdate,
  VERSION,
  viewerMessageLength,
} from "./rfb.ts";

export interface UpstreamCommands {
  listen(at: { readonly host: string }): Promise<{ readonly port: number }>;
  /** Every console that is open now gets this many small updates a second, evenly spread. */
  pace(load: { readonly updatesPerSecond: number }): Promise<void>;
  /** Every console that is open now gets as much as it takes. */
  flood(): Promise<void>;
}

const TICK_MS = 1;
/** 126 × 130 pixels are 64 KiB; sixteen of them go out in one call. */
const FLOOD_BLOCK = Buffer.concat(Array.from({ length: 16 }, () => rawUpdate(126, 130)));

const consoles = new Set<Socket>();
const server: Server = createServer({ noDelay: true }, accept);

serve<UpstreamCommands>({
  listen: async ({ host }) => {
    await new Promise<void>((resolve) => server.listen({ host, port: 0, backlog: 4096 }, resolve));
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("not a TCP address");
    return { port: address.port };
  },
  pace: async ({ updatesPerSecond }) => pace(updatesPerSecond),
  flood: async () => {
    for (const socket of consoles) flood(socket);
  },
});

function accept(socket: Socket): void {
  socket.on("error", () => socket.destroy());
  socket.on("close", () => consoles.delete(socket));
  socket.write(VERSION);
  const steps = [
    { bytes: VERSION.length, answer: SECURITY_TYPES },
    { bytes: SECURITY_NONE.length, answer: SECURITY_RESULT_OK },
    { bytes: CLIENT_INIT_SHARED.length, answer: SERVER_INIT },
  ];
  let received: Buffer = Buffer.alloc(0);
  const read = (chunk: Buffer) => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
    for (let step = steps[0]; step !== undefined && received.length >= step.bytes; step = steps[0]) {
      received = received.subarray(step.bytes);
      socket.write(step.answer);
      steps.shift();
    }
    if (steps.length > 0 || !hasRequest(received)) return;
    socket.off("data", read);
    // What a viewer says from here on costs the upstream a read and nothing else.
    socket.resume();
    socket.write(stamped(smallUpdate()));
    consoles.add(socket);
  };
  socket.on("data", read);
}

/** Whether a whole FramebufferUpdateRequest is among the messages so far. */
function hasRequest(bytes: Buffer): boolean {
  let rest = bytes;
  while (rest.length > 0) {
    const length = viewerMessageLength(rest);
    if (length === 0 || rest.length < length) return false;
    if (rest[0] === 3) return true;
    rest = rest.subarray(length);
  }
  return false;
}

function pace(updatesPerSecond: number): void {
  const paced = [...consoles];
  const perMs = (paced.length * updatesPerSecond) / 1000;
  const start = performance.now();
  let sent = 0;
  setInterval(() => {
    const due = Math.floor((performance.now() - start) * perMs);
    for (; sent < due; sent++) paced[sent % paced.length]?.write(stamped(smallUpdate()));
  }, TICK_MS);
}

function stamped(update: Buffer): Buffer {
  update.writeBigUInt64BE(process.hrtime.bigint(), STAMP_OFFSET);
  return update;
}

function flood(socket: Socket): void {
  const fill = () => {
    while (socket.writable && socket.write(FLOOD_BLOCK));
  };
  socket.on("drain", fill);
  fill();
}
