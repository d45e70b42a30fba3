import assert from "node:assert/strict";
import { test } from "node:test";
import { parseXenAddress } from "#hypervisors/xenserver/address.ts";
import { createXenDriver } from "#hypervisors/xenserver/driver.ts";
import { XapiClient } from "#hypervisors/xenserver/xapi-client.ts";
import { eventually } from "../harness/eventually.ts";
import { startXapi } from "../harness/xapi/pool.ts";
import { accessOf, driverOf, failed, lend, refusal } from "./xapi-stage.ts";

const { signal } = new AbortController();

test("a password that was changed there is tried for one console, and not for each", async () => {
  await using pool = await startXapi();
  const added = pool.add({ name: "web" });
  await using driver = driverOf(pool);
  await driver.list(signal);
  let tried = 0;
  pool.answer = (method) => {
    if (method !== "session.login_with_password") return undefined;
    tried += 1;
    return refusal("SESSION_AUTHENTICATION_FAILED", "console", "denied");
  };

  for (let time = 0; time < 3; time += 1)
    assert.match(await failed(lend(driver, added)), /credentials: it does not take the account/);

  assert.equal(tried, 1);
  assert.equal((await driver.find(added.uuid, signal))?.name, "web", "its session goes on");
});

test("a session for whose console nobody waits any more when it comes is given back", async () => {
  await using pool = await startXapi();
  await using client = new AsyncDisposableStack();
  const asking = client.adopt(new XapiClient(accessOf(pool)), async (opened) => await opened.close());
  await asking.session(signal);
  const leave = new AbortController();
  pool.answer = (method) => {
    if (method === "session.login_with_password") leave.abort(new Error("nobody waits"));
    return undefined;
  };

  await assert.rejects(asking.enter(leave.signal), /nobody waits/);

  await eventually(() => assert.equal(pool.calls.asked.at(-1), "session.logout"));
  assert.deepEqual(pool.sessions("porthole-console"), []);
});

test("a console's session is given back by whichever host of the pool is there, to whoever never signed in", async () => {
  await using pool = await startXapi();
  const added = pool.add({ name: "web" });
  await using lender = driverOf(pool);
  const { lease } = await lend(lender, added);
  assert.ok(lease !== undefined);
  const address = parseXenAddress(`https://nobody.invalid,127.0.0.1:${pool.port}`);
  await using another = createXenDriver({ ...accessOf(pool), address });

  await another.release?.(lease, signal);

  assert.deepEqual(pool.sessions("porthole-console"), []);
});

test("who closes it signs out", async () => {
  await using pool = await startXapi();
  const driver = driverOf(pool);
  await driver.list(signal);
  assert.equal(pool.sessions("porthole").length, 1);

  await driver[Symbol.asyncDispose]();

  assert.deepEqual(pool.sessions("porthole"), []);
});
