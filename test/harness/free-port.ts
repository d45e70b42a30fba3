import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";

export const LOOPBACK = "127.0.0.1";

/**
 * A port that was free a moment ago, for programs that cannot pick one themselves. Somebody else may take it
 * before they do: start them with `onFreePort`.
 */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, LOOPBACK);
  await once(server, "listening");
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  server.close();
  await once(server, "close");
  return address.port;
}

const attempts = 5;

/** Starts something on a free port, with another one when `start` finds it taken. */
export async function onFreePort<Value>(start: (port: number) => Promise<Value>): Promise<Value> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await start(await freePort());
    } catch (error) {
      if (attempt === attempts) throw error;
    }
  }
}
