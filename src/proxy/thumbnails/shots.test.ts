import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { decode } from "fast-png";
import type { Grant } from "#wire/grant.ts";
import { ALL_RIGHTS } from "#wire/rights.ts";
import type { Picture } from "./miniature.ts";
import { LARGEST, Shots } from "./shots.ts";

/** More than the pictures that are kept. */
const MANY = 257;

function grant(machineId: string, password?: string): Grant {
  return {
    sessionId: "session",
    attachment: 1,
    machine: { id: machineId, name: machineId },
    protocol: "rfb",
    upstream: {
      address: { kind: "tcp", host: "127.0.0.1", port: 1 },
      ...(password === undefined ? {} : { password }),
    },
    rights: ALL_RIGHTS,
    reopen: "",
  };
}

/** Each look at a machine waits until the test says what was seen. */
function startShots(context: TestContext) {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const looks: (PromiseWithResolvers<Picture> & { readonly machineId: string })[] = [];
  const shots = new Shots(async ({ machine }) => {
    const look = { ...Promise.withResolvers<Picture>(), machineId: machine.id };
    looks.push(look);
    return await look.promise;
  });
  return { shots, looks };
}

function grey(value: number): Picture {
  return { width: 4, height: 2, rgb: new Uint8Array(4 * 2 * 3).fill(value) };
}

const greyOf = (png: Uint8Array) => decode(png).data[0];

test("who asks while a machine is being looked at joins that look, in whatever size", async (context) => {
  const { shots, looks } = startShots(context);

  const asking = [shots.png(grant("a"), LARGEST), shots.png(grant("a"), { width: 2, height: 1 })];
  looks[0]?.resolve(grey(7));

  const [large, small] = (await Promise.all(asking)).map((png) => decode(png));
  assert.deepEqual([large?.width, small?.width], [4, 2]);
  assert.equal(looks.length, 1);
});

test("machines are looked at each by itself", async (context) => {
  const { shots, looks } = startShots(context);

  const [a, b] = [shots.png(grant("a"), LARGEST), shots.png(grant("b"), LARGEST)];
  looks[1]?.resolve(grey(2));
  looks[0]?.resolve(grey(1));

  assert.deepEqual([greyOf(await a), greyOf(await b)], [1, 2]);
});

test("all who joined a look that failed are told how, and so is who asks within ten seconds", async (context) => {
  const { shots, looks } = startShots(context);
  const failure = new Error("no picture");
  const asking = [shots.png(grant("a"), LARGEST), shots.png(grant("a"), LARGEST)];

  looks[0]?.reject(failure);

  for (const asked of asking) await assert.rejects(asked, failure);
  context.mock.timers.tick(9_999);
  await assert.rejects(shots.png(grant("a"), LARGEST), failure);
  assert.equal(looks.length, 1);
});

test("with another password a machine is looked at anew, and nobody is told of the old one", async (context) => {
  const { shots, looks } = startShots(context);
  const failed = shots.png(grant("a", "falsch"), LARGEST);
  looks[0]?.reject(new Error("not taken"));
  await assert.rejects(failed, /not taken/);

  const mended = shots.png(grant("a", "richtig"), LARGEST);
  looks[1]?.resolve(grey(3));

  assert.equal(greyOf(await mended), 3);
  await assert.rejects(shots.png(grant("a", "falsch"), LARGEST), /not taken/);
});

test("after ten seconds a machine is looked at anew", async (context) => {
  const { shots, looks } = startShots(context);
  const first = shots.png(grant("a"), LARGEST);
  looks[0]?.resolve(grey(1));
  await first;

  context.mock.timers.tick(10_000);
  const second = shots.png(grant("a"), LARGEST);
  looks[1]?.resolve(grey(2));

  assert.equal(greyOf(await second), 2);
});

test("beyond what is kept the oldest picture gives way, and its time's end takes no newer one along", async (context) => {
  const { shots, looks } = startShots(context);
  const see = async (machineId: string, value = 0) => {
    const asked = shots.png(grant(machineId), LARGEST);
    looks.at(-1)?.resolve(grey(value));
    return greyOf(await asked);
  };
  for (let count = 0; count < MANY; count++) await see(`${count}`);
  assert.equal(looks.length, MANY);

  await see("1");
  assert.equal(looks.length, MANY, "is still kept");
  context.mock.timers.tick(5_000);
  assert.equal(await see("0", 9), 9, "gave way, and is looked at again");
  context.mock.timers.tick(5_000);
  assert.equal(await see("0", 1), 9, "is kept for its own ten seconds");
});
