import { parentPort, workerData } from "node:worker_threads";
import type { HostPort } from "#base/config.ts";
import { RateLimit } from "./rate-limit.ts";
import { type NameServer, startNameServer } from "./server.ts";
import { Tally } from "./tally.ts";
import { Zone } from "./zone.ts";
import type { ZoneData } from "./zone-data.ts";

/** How the thread begins. */
export interface ThreadOptions {
  readonly listen: readonly HostPort[];
  /** Of a Tally. */
  readonly tally: SharedArrayBuffer;
}

export type ToThread =
  | { readonly kind: "zones"; readonly zones: readonly ZoneData[] }
  | { readonly kind: "stop" };

export type FromThread =
  | { readonly kind: "listening"; readonly addresses: readonly HostPort[] }
  /** The error of the system. */
  | { readonly kind: "failed"; readonly message: string; readonly code: unknown; readonly syscall: unknown }
  /** It answers out of the zones that it was told of. */
  | { readonly kind: "served" }
  /** It cannot, and goes on with those that it had. */
  | { readonly kind: "refused"; readonly message: string };

const { listen, tally: memory } = workerData as ThreadOptions;
const tally = new Tally(memory);
let zones: readonly Zone[] = [];

const server = await start();
if (server !== undefined) {
  parentPort?.on("message", (message: ToThread) => void obey(server, message));
  say({ kind: "listening", addresses: server.addresses });
}

async function start(): Promise<NameServer | undefined> {
  try {
    return await startNameServer(listen, {
      zones: () => zones,
      rateLimit: new RateLimit(),
      onOutcome: (transport, outcome) => tally.count(transport, outcome),
    });
  } catch (error) {
    const { message, code, syscall } = error as NodeJS.ErrnoException;
    say({ kind: "failed", message, code, syscall });
    return undefined;
  }
}

async function obey(server: NameServer, message: ToThread): Promise<void> {
  if (message.kind === "zones") {
    say(take(message.zones));
    return;
  }
  await server[Symbol.asyncDispose]();
  parentPort?.close();
}

function take(read: readonly ZoneData[]): FromThread {
  try {
    zones = read.map((each) => new Zone(each));
    return { kind: "served" };
  } catch (error) {
    return { kind: "refused", message: error instanceof Error ? error.message : String(error) };
  }
}

function say(message: FromThread): void {
  parentPort?.postMessage(message);
}
