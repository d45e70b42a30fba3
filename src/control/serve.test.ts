import assert from "node:assert/strict";
import { test } from "node:test";
import fastify from "fastify";
import { ConfigError } from "#base/config.ts";
import { serve } from "./serve.ts";

const anywhere = { host: "127.0.0.1", port: 0 };

test("a request that runs is finished before the server is gone, and no other is taken", async () => {
  const gate = Promise.withResolvers<void>();
  const reached = Promise.withResolvers<void>();
  const app = fastify({ forceCloseConnections: true });
  app.get("/slow", async () => {
    reached.resolve();
    await gate.promise;
    return "done";
  });
  const serving = await serve(app, anywhere, "listen");
  const url = `http://127.0.0.1:${serving.address.port}/slow`;
  const answer = fetch(url);
  await reached.promise;

  const closed = serving.close();
  gate.resolve();

  assert.equal(await (await answer).text(), "done");
  await closed;
  await assert.rejects(fetch(url));
});

test("who was refused before does not make the server forget the request that runs", async () => {
  const gate = Promise.withResolvers<void>();
  const reached = Promise.withResolvers<void>();
  const app = fastify({ forceCloseConnections: true });
  app.addHook("onRequest", ({ url }, _reply, done) => done(url === "/refused" ? new Error("no") : undefined));
  app.get("/slow", async () => {
    reached.resolve();
    await gate.promise;
    return "done";
  });
  const serving = await serve(app, anywhere, "listen");
  const origin = `http://127.0.0.1:${serving.address.port}`;
  assert.equal((await fetch(`${origin}/refused`)).status, 500);
  const answer = fetch(`${origin}/slow`).then(async (response) => await response.text());
  await reached.promise;

  const closed = serving.close();
  setImmediate(() => gate.resolve());

  assert.equal(await answer, "done");
  await closed;
});

test("an address that is taken is a problem of the flag that named it", async () => {
  const first = await serve(fastify(), anywhere, "listen");

  const second = serve(fastify(), first.address, "link");

  await assert.rejects(
    second,
    (error) =>
      error instanceof ConfigError && /^--link 127\.0\.0\.1:\d+: .*EADDRINUSE/.test(error.problems[0] ?? ""),
  );
  await first.close();
});

test("closing an idle server takes no time, and may be done twice", async () => {
  const serving = await serve(fastify(), anywhere, "listen");

  await Promise.all([serving.close(), serving.close()]);
});
