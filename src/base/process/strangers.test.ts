import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { test } from "node:test";
import { eventually } from "../../../test/harness/eventually.ts";
import { Strangers } from "./strangers.ts";

async function startListener(maximum: number) {
  const strangers = new Strangers(maximum);
  const accepted: Socket[] = [];
  const server = createServer((socket) => {
    socket.on("error", () => {});
    accepted.push(socket);
    strangers.enter(socket);
  });
  server.listen(0);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const all: Socket[] = [];
  return {
    strangers,
    accepted,
    /** Resolves to the connection when it was accepted. */
    async come(localAddress = "127.0.0.1"): Promise<Socket> {
      const socket = connect({ port, host: "127.0.0.1", localAddress });
      socket.on("error", () => {});
      all.push(socket);
      const before = accepted.length;
      await eventually(() => assert.ok(accepted.length > before));
      return socket;
    },
    [Symbol.dispose]: () => {
      for (const socket of [...all, ...accepted]) socket.destroy();
      server.close();
    },
  };
}

test("with one more than there may be, the oldest leaves, and whoever came is there", async () => {
  using own = await startListener(2);
  const first = await own.come();
  const [second, third] = [await own.come(), await own.come()];

  await eventually(() => assert.ok(first.destroyed));
  assert.equal(own.strangers.size, 2);
  assert.ok(!second.destroyed && !third.destroyed);
});

test("a flood of one address crowds out itself, and not who came before it from another", async () => {
  using own = await startListener(3);
  const quiet = await own.come("127.0.0.2");
  const flood: Socket[] = [];

  for (let count = 0; count < 10; count++) flood.push(await own.come());

  await eventually(() => assert.equal(flood.filter(({ destroyed }) => destroyed).length, 8));
  assert.ok(!quiet.destroyed);
});

test("who has shown whose it is, or has gone, is counted no more", async () => {
  using own = await startListener(2);
  const known = await own.come();
  const [seen] = own.accepted;
  assert.ok(seen !== undefined);
  const gone = await own.come();

  own.strangers.leave(seen);
  own.strangers.leave(seen);
  gone.destroy();
  await eventually(() => assert.equal(own.strangers.size, 0));
  for (let count = 0; count < 5; count++) await own.come();

  assert.equal(own.strangers.size, 2);
  assert.ok(!known.destroyed);
});
