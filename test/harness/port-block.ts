import assert from "node:assert/strict";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server } from "node:net";
import { LOOPBACK } from "./free-port.ts";

export interface PortBlock extends AsyncDisposable {
  readonly first: number;
  readonly last: number;
}

/** How many ports a block has, the one that claims it included. */
const SIZE = 32;
/** Below what the system gives to those who ask for any port, and below what `onFreePort` draws from. */
const LOWEST = 10_000;
const HIGHEST = 22_000;
const attempts = 50;

/**
 * Ports for a program that looks for free ones within a range itself: of two that look through the same range
 * at the same time, both find the same one free. A listener at the port below the block claims it from others
 * who call this, in whatever process, until it is disposed of.
 */
export async function portBlock(): Promise<PortBlock> {
  for (let attempt = 1; attempt <= attempts; attempt++) {
    const claimed = LOWEST + SIZE * randomInt(Math.floor((HIGHEST - LOWEST) / SIZE));
    const claim = await listenAt(claimed);
    if (claim === undefined) continue;
    return {
      first: claimed + 1,
      last: claimed + SIZE - 1,
      [Symbol.asyncDispose]: async () => {
        claim.close();
        await once(claim, "close");
      },
    };
  }
  assert.fail("no block of ports is free");
}

async function listenAt(port: number): Promise<Server | undefined> {
  const server = createServer((socket) => socket.destroy());
  try {
    await once(server.listen(port, LOOPBACK), "listening");
    return server;
  } catch {
    return undefined;
  }
}
