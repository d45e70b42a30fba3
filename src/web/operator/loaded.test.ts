import assert from "node:assert/strict";
import { test } from "node:test";
import { ApiError } from "./api.ts";
import { Loaded } from "./loaded.ts";

function loaded(): { readonly loaded: Loaded<string>; readonly noticed: ApiError[] } {
  const noticed: ApiError[] = [];
  return { loaded: new Loaded<string>({ notice: (error) => noticed.push(error) }), noticed };
}

test("what was loaded stays when the next request fails, with the error beside it", async () => {
  const { loaded: list, noticed } = loaded();
  const error = new ApiError("internal");
  await list.load(async () => "first");

  await list.load(async () => {
    throw error;
  });
  assert.equal(list.data.value, "first");
  assert.equal(list.error.value, error);
  assert.deepEqual(noticed, [error]);

  await list.load(async () => "second");
  assert.equal(list.data.value, "second");
  assert.equal(list.error.value, undefined);
});

test("an answer that was overtaken by a later one is dropped, and so is an error", async () => {
  const { loaded: list } = loaded();
  const slow = Promise.withResolvers<string>();
  const broken = Promise.withResolvers<string>();
  const first = list.load(() => slow.promise);
  const second = list.load(() => broken.promise);
  await list.load(async () => "new");

  slow.resolve("old");
  broken.reject(new ApiError("internal"));
  await Promise.all([first, second]);

  assert.equal(list.data.value, "new");
  assert.equal(list.error.value, undefined);
});

test("what no request threw is not hidden", async () => {
  const { loaded: list } = loaded();

  await assert.rejects(
    list.load(async () => {
      throw new TypeError("a mistake of ours");
    }),
    TypeError,
  );
});
