import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { LOOPBACK } from "./free-port.ts";

/** A way to one port that can be cut: what went over it is gone without a word or hung up on, as a test says. */
export interface CuttableWay extends AsyncDisposable {
  readonly port: number;
  /** How many connections it carries. */
  readonly connections: number;
  /** How many it has carried in all. */
  readonly opened: number;
  /** How many bytes have gone there over the newest. */
  readonly saidOverNewest: number;
  /** `silent`: nothing goes through any more, and nobody is told; `hung up`: what is open breaks, what comes is refused. */
  cut(how: "silent" | "hung up"): void;
  /** What was cut breaks, or stays as silent as it is. */
  mend(what?: "breaks" | "stays silent"): void;
}

/** Opens a way to a port of this machine. What was cut is lost when the way is mended; what comes then goes through. */
export async function openWay(to: number): Promise<CuttableWay> {
  const stray = new Set<Socket>();
  const pairs = new Set<readonly [Socket, Socket]>();
  const silenced = new WeakSet<readonly [Socket, Socket]>();
  let opened = 0;
  let saidOverNewest = 0;
  let state: "open" | "silent" | "hung up" = "open";
  const server = createServer((near) => {
    near.on("error", () => {});
    if (state === "hung up") near.destroy();
    // It is taken, and nothing comes of it.
    if (state === "silent") stray.add(near);
    if (state !== "open") return;
    const far = connect(to, LOOPBACK);
    far.on("error", () => {});
    const pair = [near, far] as const;
    opened += 1;
    saidOverNewest = 0;
    const mine = opened;
    near.on("data", (chunk: Buffer) => {
      if (mine === opened) saidOverNewest += chunk.length;
    });
    pairs.add(pair);
    near.pipe(far).pipe(near);
    for (const [one, other] of [pair, pair.toReversed()] as readonly (readonly [Socket, Socket])[])
      one.on("close", () => {
        pairs.delete(pair);
        if (silenced.has(pair)) stray.add(other);
        else other.destroy();
      });
  });
  server.listen(0, LOOPBACK);
  await once(server, "listening");
  const breakAll = () => {
    for (const socket of [...pairs, ...stray].flat()) socket.destroy();
    pairs.clear();
    stray.clear();
  };
  return {
    port: (server.address() as AddressInfo).port,
    get connections() {
      return pairs.size;
    },
    get opened() {
      return opened;
    },
    get saidOverNewest() {
      return saidOverNewest;
    },
    cut(how) {
      state = how;
      if (how === "hung up") breakAll();
      else
        for (const pair of pairs) {
          silenced.add(pair);
          for (const socket of pair) socket.unpipe().pause();
        }
    },
    mend(what = "breaks") {
      state = "open";
      if (what === "breaks") breakAll();
    },
    async [Symbol.asyncDispose]() {
      breakAll();
      server.close();
      await once(server, "close");
    },
  };
}
