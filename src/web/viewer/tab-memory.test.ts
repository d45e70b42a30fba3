import assert from "node:assert/strict";
import { test } from "node:test";
import { TabMemory, type TabStorage, ticketTail } from "./tab-memory.ts";

function storage(): TabStorage & { readonly items: Map<string, string> } {
  const items = new Map<string, string>();
  return {
    items,
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => items.set(key, value),
    removeItem: (key) => items.delete(key),
  };
}

const RECORD = { ticketTail: "tail", extra: "x", reopen: "r", machine: "web-1" };

test("what was written is read again, by pages of the same path only", () => {
  const shared = storage();
  new TabMemory(shared, "/p/1/console.html").write(RECORD);

  assert.deepEqual(new TabMemory(shared, "/p/1/console.html").read(), RECORD);
  assert.equal(new TabMemory(shared, "/p/2/console.html").read(), undefined);
});

test("the ticket itself is not kept", () => {
  const shared = storage();
  const ticket = `${"a".repeat(400)}.0123456789abcdefABCDEF`;
  new TabMemory(shared, "/").write({ ticketTail: ticketTail({ ticket }) });

  assert.ok(![...shared.items.values()].join("").includes("aaaa"));
});

test("what is no record of ours is none", () => {
  const shared = storage();
  const memory = new TabMemory(shared, "/");

  for (const text of ["", "null", "[]", "{}", '{"ticketTail":7}', "not JSON"]) {
    shared.setItem("porthole.console:/", text);
    assert.equal(memory.read(), undefined, text);
  }
  shared.setItem("porthole.console:/", '{"ticketTail":"t","reopen":7}');
  assert.deepEqual(memory.read(), { ticketTail: "t" });
});

test("where storage is denied or full nothing is remembered, and nothing breaks", () => {
  const denied = new TabMemory(undefined, "/");
  denied.write(RECORD);
  assert.equal(denied.read(), undefined);

  const full = storage();
  full.setItem = () => {
    throw new DOMException("full", "QuotaExceededError");
  };
  new TabMemory(full, "/").write(RECORD);
  assert.equal(new TabMemory(full, "/").read(), undefined);
});
