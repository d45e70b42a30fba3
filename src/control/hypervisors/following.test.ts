import assert from "node:assert/strict";
import { test } from "node:test";
import type { HypervisorDriver } from "#hypervisors/driver.ts";
import { PartSilent } from "#hypervisors/hypervisor-error.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import { testControl } from "../../../test/harness/control.ts";
import { eventually } from "../../../test/harness/eventually.ts";
import { hypervisor, known, machines } from "../../../test/harness/inventory-stage.ts";
import { followHypervisor, News } from "./following.ts";

const NEVER_AGAIN_MS = 24 * 60 * 60_000;

function tellMany(news: News): void {
  for (let machine = 0; machine < 60; machine += 1) news.tell(`machine ${machine}`);
}

test("a hypervisor that tells of more than is asked for one by one is listed once, and not over and over", async () => {
  const news = new News(NEVER_AGAIN_MS);
  tellMany(news);
  const first = await news.take();

  tellMany(news);
  const second = await news.take();
  news.tell("one more");
  const third = await news.take();

  assert.equal(first, "all");
  assert.equal(second.length, 50, "of some it is asked meanwhile");
  assert.deepEqual(third, ["one more"]);
});

test("what was not asked for is listed when it is time, though nothing more is told", async () => {
  const news = new News(1);
  tellMany(news);
  assert.equal(await news.take(), "all");
  tellMany(news);
  const taken = await news.take();

  assert.equal(taken === "all" ? taken : await news.take(), "all");
});

test("whoever wants all looked at waits for no pace", async () => {
  const news = new News(NEVER_AGAIN_MS);
  tellMany(news);
  await news.take();

  news.tellAll();

  assert.equal(await news.take(), "all");
});

test("news that end while somebody waits for a list are over for him", async () => {
  const news = new News(NEVER_AGAIN_MS);
  tellMany(news);
  await news.take();
  tellMany(news);
  await news.take();
  const waiting = news.take();

  news.end(new Error("the way is cut"));

  await assert.rejects(waiting, /the way is cut/);
});

test("one machine of which much is told is asked for by itself", async () => {
  const news = new News(NEVER_AGAIN_MS);
  for (let times = 0; times < 1_000; times += 1) news.tell("busy");

  assert.deepEqual(await news.take(), ["busy"]);
});

test("a machine whose part of the platform is silent when it is looked at stays as it is, and the rest is looked at all the same", async () => {
  await using control = await testControl();
  const hypervisorId = await hypervisor(control, { rules: [{ name: "*", project: "default" }] });
  const [silent, other] = [known("db"), known("web")];
  const driver = {
    follow: async () => ({ ended: new Promise(() => {}) }),
    list: async () => [silent, other],
    identity: async () => "cluster",
    async find(address: string) {
      if (address === other.address) return { ...other, power: "stopped" };
      throw new GatewayError("upstream_timeout", { cause: new PartSilent("answer", "no route to its node") });
    },
  } as unknown as HypervisorDriver;
  const [news, leave] = [new News(), new AbortController()];
  const onListed = async () => {
    for (const { address } of [silent, other]) news.tell(address);
  };

  const following = followHypervisor({ ...control, hypervisorId, driver, news, onListed }, leave.signal);
  const powers = async () =>
    Object.fromEntries((await machines(control)).map(({ name, power }) => [name, power]));
  await eventually(async () => assert.deepEqual(await powers(), { db: "running", web: "stopped" }));

  leave.abort();
  await assert.rejects(following, { name: "AbortError" });
});
