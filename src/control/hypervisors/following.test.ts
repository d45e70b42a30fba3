import assert from "node:assert/strict";
import { test } from "node:test";
import { News } from "./following.ts";

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
