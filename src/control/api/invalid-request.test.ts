import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type TestApi, testApi } from "../../../test/harness/api.ts";

let api: TestApi;
before(async () => {
  api = await testApi();
});
after(async () => await api[Symbol.asyncDispose]());

const MACHINE = { name: "web-1", protocol: "rfb", address: "192.0.2.1:5900" };

const CASES: readonly [what: string, body: unknown, detail: string][] = [
  [
    "a name with a line end",
    { ...MACHINE, name: "a\nb" },
    "name: must be 1 to 128 printable characters, without line ends and tabs",
  ],
  ["an empty name", { ...MACHINE, name: "" }, "name: must not be empty"],
  ["a long name", { ...MACHINE, name: "x".repeat(129) }, "name: must have at most 128 characters"],
  ["a protocol of others", { ...MACHINE, protocol: "telnet" }, "protocol: must be one of rfb, serial"],
  ["a name that is a number", { ...MACHINE, name: 1 }, "name: must be a string"],
  ["no address", { ...MACHINE, address: undefined }, "address: is missing"],
  ["a misspelt member", { ...MACHINE, adress: "x" }, "adress: is not known here"],
  ["a list", [], "body: must be an object"],
];

for (const [what, body, detail] of CASES) {
  test(`${what} is refused in words, without the validator's own`, async () => {
    const { status, json } = await api.call("POST", "/api/v1/machines", { as: api.keys, body });

    assert.equal(status, 400);
    assert.equal((json as { error: { detail: string } }).error.detail, detail);
  });
}

test("a query is refused in words as well", async () => {
  const { json } = await api.call("GET", "/api/v1/machines?limit=0", { as: api.keys });

  assert.equal((json as { error: { detail: string } }).error.detail, "limit: must be at least 1");
});
