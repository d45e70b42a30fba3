import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { Onlooker } from "./onlooker.ts";

const PROGRAM = resolve(import.meta.dirname, "../main.ts");

/** Runs the program; it is killed when the test is over, however that ends. */
function porthole(...args: readonly string[]) {
  const child = spawn(process.execPath, [PROGRAM, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  const exit = once(child, "exit");
  return {
    child,
    status: async (): Promise<unknown> => (await exit)[0],
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await exit;
    },
  };
}

test("porthole demo prints one JSON line when it is ready, and ends cleanly when it is told to", async () => {
  await using demo = porthole("demo", "--listen", "127.0.0.1:0", "--json");
  const [line] = await once(createInterface(demo.child.stdout), "line");
  const { ready, address } = JSON.parse(line);
  await using viewer = await Onlooker.open(address);

  demo.child.kill("SIGTERM");

  assert.equal(ready, true);
  await assert.rejects(viewer.read());
  assert.equal(await demo.status(), 0);
});

test("porthole demo says in one line that it cannot listen", async () => {
  await using demo = porthole("demo", "--listen", "192.0.2.1:0");

  const said = await text(demo.child.stderr);

  assert.match(said, /^porthole demo: --listen 192\.0\.2\.1:0: .*EADDRNOTAVAIL/);
  assert.equal(await demo.status(), 2);
});

test("porthole demo --help lists every option", async () => {
  await using demo = porthole("demo", "--help");

  const said = await text(demo.child.stdout);

  for (const option of ["--listen", "--log-level", "--json"]) assert.ok(said.includes(option), option);
  assert.equal(await demo.status(), 0);
});
