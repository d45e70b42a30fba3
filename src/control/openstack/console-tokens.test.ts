import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { Secret } from "#base/secret.ts";
import { eventually } from "../../../test/harness/eventually.ts";
import { testClock } from "../../../test/harness/test-clock.ts";
import { createConsoleTokens } from "./console-tokens.ts";

const CONSOLE = { instance_uuid: "i", host: "192.0.2.7", port: 5900, internal_access_path: null };

const viewer = (each: number) => `192.0.2.${each}`;

/** A Nova that answers when the test says so: Debian's, which test/peers/nova-tokens.test.ts asks, answers at once. */
async function startSlowNova() {
  const waiting: ServerResponse[] = [];
  const server = createServer((_request, response) => void waiting.push(response)).listen(0, "127.0.0.1");
  await once(server, "listening");
  const compute = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/v2.1`);
  const current = { compute, ca: undefined, auth: { kind: "token", token: new Secret("t") } } as const;
  const clock = testClock();
  return {
    waiting,
    clock,
    find: createConsoleTokens({ current, reread: () => current }, clock),
    answer(status: number, body: object) {
      for (const response of waiting.splice(0))
        response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

test("Nova is asked about one token once at a time, and about so many at once and no more", async () => {
  await using nova = await startSlowNova();
  const token = randomUUID();

  const same = [nova.find(token, viewer(0)), nova.find(token, viewer(1))];
  const others = Array.from({ length: 63 }, async (_, each) => await nova.find(randomUUID(), viewer(each)));
  await eventually(() => assert.equal(nova.waiting.length, 64));
  await assert.rejects(nova.find(randomUUID(), viewer(99)), { code: "nova_unreachable" });
  const again = nova.find(token, viewer(99));
  nova.answer(200, { console: CONSOLE });

  assert.deepEqual(await Promise.all([...same, again, ...others]), Array(66).fill(CONSOLE));
});

test("who asks all that may be asked keeps nobody out but himself, and is let in again", async () => {
  await using nova = await startSlowNova();
  const stranger = viewer(0);
  const asked = Array.from({ length: 64 }, async () => await nova.find(randomUUID(), stranger));
  const refused = asked.slice(32).map(async (one) => await assert.rejects(one, { code: "rate_limited" }));
  await Promise.all(refused);

  const other = nova.find(randomUUID(), viewer(1));
  await eventually(() => assert.equal(nova.waiting.length, 33));
  nova.answer(200, { console: CONSOLE });
  assert.deepEqual(await other, CONSOLE);
  await Promise.all(asked.slice(0, 32));

  const again = nova.find(randomUUID(), stranger);
  await eventually(() => assert.equal(nova.waiting.length, 1));
  nova.answer(200, { console: CONSOLE });
  assert.deepEqual(await again, CONSOLE);
});

test("a token that Nova did not know is asked about again after ten seconds, and one that it could not be asked about at once", async () => {
  await using nova = await startSlowNova();
  const token = randomUUID();
  const asked = async (status: number, body: object) => {
    const outcome = nova.find(token, viewer(0)).then(
      () => "found",
      ({ code }) => code,
    );
    await eventually(() => assert.equal(nova.waiting.length, 1));
    nova.answer(status, body);
    return await outcome;
  };

  assert.equal(await asked(500, {}), "nova_unreachable");
  assert.equal(await asked(200, { console: { ...CONSOLE, port: "5900" } }), "nova_unreachable");
  assert.equal(await asked(404, {}), "nova_unreachable", "what is no fault of Nova's is none");
  assert.equal(
    await asked(404, { itemNotFound: { code: 404, message: "Token not found" } }),
    "ticket_invalid",
  );
  await assert.rejects(nova.find(token, viewer(0)), { code: "ticket_invalid" });
  assert.equal(nova.waiting.length, 0);
  nova.clock.advance(10_001);

  assert.equal(await asked(200, { console: CONSOLE }), "found");
});
