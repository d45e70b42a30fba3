import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { eventually } from "../harness/eventually.ts";
import { startXapi } from "../harness/xapi/pool.ts";
import { driverOf, failed, refusal } from "./xapi-stage.ts";

const { signal } = new AbortController();

test("whoever follows hears of machines that come, change and go, and of nothing else", async () => {
  await using pool = await startXapi();
  const first = pool.add({ name: "web" });
  await using driver = driverOf(pool);
  const told: string[] = [];
  const leave = new AbortController();
  const { ended } = await driver.follow((address) => void told.push(address), leave.signal);

  pool.objects.set(first.ref, { allowed_operations: ["start"] });
  const second = pool.add({ name: "db" });
  await eventually(() => assert.deepEqual(told, [second.uuid]));
  pool.objects.set(first.ref, { name_label: "web-2" });
  await eventually(() => assert.deepEqual(told, [second.uuid, first.uuid]));
  pool.objects.remove(second.ref);
  await eventually(() => assert.deepEqual(told, [second.uuid, first.uuid, second.uuid]));
  told.length = 0;
  const [[guest] = [""]] = pool.objects
    .all("VM_guest_metrics")
    .filter(([metrics]) => pool.objects.get("VM", first.ref)?.["guest_metrics"] === metrics);
  pool.objects.set(guest, { memory: "7" });
  pool.objects.set(guest, { os_version: { distro: "debian" } });
  await eventually(() => assert.deepEqual(told, [first.uuid]));
  pool.objects.set(first.ref, { is_a_template: true });
  await eventually(() => assert.deepEqual(told, [first.uuid, first.uuid]));
  pool.objects.set(first.ref, { is_a_template: false });
  await eventually(() => assert.deepEqual(told, [first.uuid, first.uuid, first.uuid]));

  leave.abort();
  assert.equal(await ended, undefined);
});

test("however many wait for what happens to a pool, whoever asks is answered", async () => {
  await using pool = await startXapi();
  const { uuid } = pool.add({ name: "web" });
  await using driver = driverOf(pool);
  const leave = new AbortController();
  const follow = async () => await driver.follow(() => {}, leave.signal);
  const followed = await Promise.all(Array.from({ length: 4 }, follow));
  const waiting = () => pool.calls.asked.filter((method) => method === "event.from").length;
  await eventually(() => assert.equal(waiting(), 8));

  assert.equal((await driver.find(uuid, AbortSignal.timeout(20_000)))?.name, "web");

  leave.abort();
  await Promise.all(followed.map(async ({ ended }) => await ended));
});

test("a pool that tells of more machines than are taken in is followed no more", async () => {
  await using pool = await startXapi();
  const { ref } = pool.add({ name: "web" });
  await using driver = driverOf(pool);
  await driver.identity(signal);
  const snapshot = pool.objects.get("VM", ref);
  const events = Array.from({ length: 20_001 }, (_, index) => ({
    ...{ class: "vm", operation: "add", ref: `OpaqueRef:${index}`, snapshot },
  }));
  const result = { token: "1,1", events };
  pool.answer = (method) =>
    method === "event.from" ? JSON.stringify({ jsonrpc: "2.0", id: 0, result }) : undefined;

  assert.match(await failed(driver.follow(() => {}, signal)), /more than 20000 machines/);
});

test("following ends, with the reason, where XAPI answers otherwise than it does", async () => {
  await using pool = await startXapi();
  pool.add({ name: "web" });
  await using driver = driverOf(pool);
  const { ended } = await driver.follow(() => {}, signal);

  pool.answer = (method) => (method === "event.from" ? refusal("HOST_STILL_BOOTING") : undefined);
  pool.add({ name: "db" });

  assert.match(inspect(await ended), /HOST_STILL_BOOTING/);
});
