import assert from "node:assert/strict";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { createConsoleEndpoint } from "../harness/cloudstack.ts";
import { LOOPBACK } from "../harness/free-port.ts";
import { firstLine, type Process, startProcess } from "../harness/process.ts";
import { scratch } from "../harness/scratch.ts";
import { TestViewer, webSocketUrl } from "../harness/test-viewer.ts";

const root = resolve(import.meta.dirname, "../..");

const limits = {
  /** Some hundred packages from the registry, and a browser from Debian's archive. */
  setUpMs: 8 * 60_000,
} as const;

/** What a person's shell has: not what npm puts before the path and into the environment of a script. */
function shellEnvironment(): Record<string, string | undefined> {
  const ours = Object.keys(process.env).filter((name) => /^(npm_|PORTHOLE_|NODE_|INIT_CWD)/i.test(name));
  const path = (process.env["PATH"] ?? "").split(":").filter((folder) => !folder.includes("node_modules"));
  return { ...Object.fromEntries(ours.map((name) => [name, undefined])), PATH: path.join(":") };
}

async function run(program: string, args: readonly string[], cwd: string): Promise<Process> {
  const child = await startProcess(program, args, { cwd, env: shellEnvironment() });
  const exit = await child.exited;
  assert.equal(
    exit,
    0,
    `${program} ${args.join(" ")}\n${child.stdout.text.slice(-4000)}\n${child.stderr.text.slice(-4000)}`,
  );
  return child;
}

test("two commands are enough on a fresh clone", async () => {
  await using folder = scratch();
  const clone = join(folder.path, "porthole");
  await run("git", ["clone", "--quiet", root, clone], folder.path);
  const listen = ["--listen", `${LOOPBACK}:0`, "--data", join(folder.path, "data"), "--json"];
  const env = shellEnvironment();

  await using started = await startProcess("npm", ["start", "--silent", "--", ...listen], {
    cwd: clone,
    env,
  });
  const ready = JSON.parse(await firstLine(started, { withinMs: limits.setUpMs }));

  assert.equal(ready.ready, true);
  assert.equal(
    started.stdout.text.trim().split("\n").length,
    1,
    "one line, and nothing else, on standard output",
  );
  const [machine] = ready.machines;
  const { websocket } = await createConsoleEndpoint(ready, machine.id);
  await using viewer = await TestViewer.bare(ready.node, websocket.token);
  assert.equal((await viewer.handshake()).name, machine.name);
  assert.ok(webSocketUrl(ready.node).endsWith(`:${websocket.port}`));
  const page = await fetch(ready.control);
  assert.match(await page.text(), /<script type="module"/, "the web apps were built");
  assert.equal(await started.stop("SIGTERM"), 0);

  const again = await run("npm", ["test", "--", "test/peers", "src/wire"], clone);
  assert.match(again.stdout.text, /\n\d+ passed, 0 failed, \d+ skipped\n$/);

  const { stdout } = await run("git", ["status", "--porcelain"], clone);
  assert.equal(stdout.text, "", "neither has changed a file that git knows, or left one that it does not");
});
