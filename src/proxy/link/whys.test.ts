import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "../../../test/harness/eventually.ts";
import { limits, Whys } from "./whys.ts";

test("so many are asked about at once, those beyond are not kept waiting, and who was answered makes room", async () => {
  const answers: (() => void)[] = [];
  const whys = new Whys(async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    answers.push(resolve);
    await promise;
    return { code: "machine_gone" };
  });
  const ask = async () => (await whys.why({ sessionId: "s", attachment: 1 }))?.code;

  const all = Array.from({ length: limits.asked }, ask);
  const beyond = await ask();
  const asked = answers.length;
  for (const answer of answers) answer();
  const said = new Set(await Promise.all(all));
  const next = ask();
  await eventually(() => assert.equal(answers.length, limits.asked + 1));
  answers.at(-1)?.();

  assert.deepEqual([asked, beyond, [...said]], [limits.asked, undefined, ["machine_gone"]]);
  assert.equal(await next, "machine_gone");
});
