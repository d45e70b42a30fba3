import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { test } from "node:test";
import { StartFailure } from "#base/process/start-failure.ts";
import { chooseListen } from "./listen.ts";

/** Listens on a port of the system's choice, and answers it with what gives it back. */
async function takePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  assert.ok(address !== null && typeof address === "object");
  const release = async () => {
    server.close();
    await once(server, "close");
  };
  return { preferred: { host: "127.0.0.1", port: address.port }, release };
}

test("the preferred port is taken where it is free", async () => {
  const { preferred, release } = await takePort();
  await release();

  assert.deepEqual(await chooseListen(null, { preferred, note: assert.fail }), preferred);
});

test("where the preferred port is not free, any free one is taken, and that is said", async () => {
  const { preferred, release } = await takePort();
  const notes: string[] = [];

  const chosen = await chooseListen(null, { preferred, note: (text) => notes.push(text) });

  assert.deepEqual(chosen, { host: "127.0.0.1", port: 0 });
  assert.deepEqual(notes, [
    `Port ${preferred.port} is taken, so another one is used. --listen HOST:PORT names one.`,
  ]);
  await release();
});

test("what was asked for is taken as it is, except an address that is every address", async () => {
  const { preferred, release } = await takePort();

  assert.deepEqual(await chooseListen(preferred, { preferred, note: assert.fail }), preferred);
  for (const host of ["0.0.0.0", "::"])
    await assert.rejects(chooseListen({ host, port: 0 }, { preferred, note: assert.fail }), StartFailure);
  await release();
});
