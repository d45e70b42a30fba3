import assert from "node:assert/strict";
import { test } from "node:test";
import { Clients } from "./clients.ts";

test("of more hosts than may be known at once, the one is forgotten that was asked longest ago", () => {
  const [made, ended]: [string[], string[]] = [[], []];
  const clients = new Clients(2, (host) => {
    made.push(host);
    return { [Symbol.dispose]: () => void ended.push(host) };
  });

  clients.of("master");
  clients.of("liar-1");
  clients.of("master");
  clients.of("liar-2");
  clients.of("master");

  assert.deepEqual(made, ["master", "liar-1", "liar-2"]);
  assert.deepEqual(ended, ["liar-1"]);
  clients.forget("liar-2");
  clients[Symbol.dispose]();
  assert.deepEqual(ended, ["liar-1", "liar-2", "master"]);
});
