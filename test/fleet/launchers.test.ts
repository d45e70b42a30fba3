import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pino } from "pino";
import { ConfigError } from "#base/config.ts";
import { Secret } from "#base/secret.ts";
import { createCommandLauncher } from "#control/fleet/launchers/command.ts";
import { LaunchError, type Launcher } from "#control/fleet/launchers/launcher.ts";
import { ProcessLauncher } from "#control/fleet/launchers/process.ts";
import { runLauncher } from "#control/fleet/launchers/run-launcher.ts";
import { type LauncherUnderTest, launcherConformance } from "../conformance/launchers.ts";
import { endLaunched } from "../harness/end-launched.ts";
import { eventually } from "../harness/eventually.ts";
import { type Control, startControl } from "../harness/porthole.ts";
import { scratch } from "../harness/scratch.ts";
import { writeLaunchScript } from "../peers/launch-script.ts";

const log = pino({ level: "silent" });
const { PATH, NODE_COMPILE_CACHE } = process.env;
const env = { PATH, NODE_COMPILE_CACHE };

let control: Control;
before(async () => {
  control = await startControl();
});
after(async () => await control[Symbol.asyncDispose]());

launcherConformance("process", async () => await open((nodes) => processLauncher(nodes)));

launcherConformance(
  "command",
  async () =>
    await open((nodes, commands) => {
      const name = writeLaunchScript(commands, nodes);
      return createCommandLauncher({ directory: commands, name, installationId: "installation", env });
    }),
);

function processLauncher(directory: string): ProcessLauncher {
  return new ProcessLauncher({ directory, logLevel: "info", env, log });
}

/** Beside a control, which the nodes join. */
async function open(make: (nodes: string, commands: string) => Launcher): Promise<LauncherUnderTest> {
  await using opened = new AsyncDisposableStack();
  const { path: folder } = opened.use(scratch());
  const { api, link } = control;
  const [nodes, commands] = [join(folder, "nodes"), join(folder, "commands")];
  opened.defer(async () => await endLaunched(nodes));
  const launcher = make(nodes, commands);
  opened.defer(async () => await launcher.close());
  const owned = opened.move();
  return {
    launcher,
    again: async () => make(nodes, commands),
    async join(pool) {
      const { token } = await api.call<{ token: string }>("POST", "join-tokens", { pool });
      return { controls: [link], token: new Secret(token), listen: "127.0.0.1:0" };
    },
    async untilUp(orderId) {
      await eventually(async () => {
        const identity = readFileSync(join(nodes, orderId, "node/node-identity.json"), "utf8");
        const { nodeId } = JSON.parse(identity);
        const known = await api.call<{ items: { id: string; agentState: string }[] }>("GET", "nodes");
        const said = readFileSync(join(nodes, orderId, "log"), "utf8");
        assert.equal(known.items.find(({ id }) => id === nodeId)?.agentState, "up", `the node said: ${said}`);
      });
    },
    async breakPlatform() {
      // Where there was a folder there is a file: no user, not even root, can go on with that.
      rmSync(nodes, { recursive: true, force: true });
      writeFileSync(nodes, "");
    },
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}

test("a process that ended by itself is listed as stopped, with what it said last", async () => {
  await using folder = scratch();
  const { signal } = new AbortController();
  const launcher = processLauncher(folder.path);
  const id = "00000000-0000-4000-8000-000000000001";
  const token = new Secret("not a join token");

  await launcher.launch({ id, pool: "default", join: { controls: ["https://127.0.0.1:1"], token } }, signal);

  await eventually(async () => {
    const [instance] = await launcher.list(signal);
    assert.equal(instance?.state, "stopped");
    assert.match(instance?.problem ?? "", /join token/);
  });
  await launcher.close();
});

test("a node's log stays bounded while the node runs on", async () => {
  await using folder = scratch();
  const { signal } = new AbortController();
  const launcher = processLauncher(folder.path);
  const id = "00000000-0000-4000-8000-000000000002";
  const token = new Secret("not a join token");
  await launcher.launch({ id, pool: "default", join: { controls: ["https://127.0.0.1:1"], token } }, signal);
  await eventually(async () => assert.equal((await launcher.list(signal))[0]?.state, "stopped"));
  writeFileSync(join(folder.path, id, "log"), `${"x".repeat(9 * 1024 * 1024)}\n`);

  await launcher.list(signal);

  assert.equal(readFileSync(join(folder.path, id, "log"), "utf8"), "");
  assert.ok(readFileSync(join(folder.path, id, "log.1")).length > 9_000_000);
  await launcher.close();
});

test("what a control that was killed left of nodes, halfway made or gone, is taken away by the next", async () => {
  await using folder = scratch();
  const id = "00000000-0000-4000-8000-000000000003";
  for (const name of [`.new-${id}`, `.old-${id}`, ".new-notes", "notes"]) {
    mkdirSync(join(folder.path, name));
    writeFileSync(join(folder.path, name, "join-token"), "secret");
  }

  const launcher = processLauncher(folder.path);

  await eventually(() =>
    assert.deepEqual(
      readdirSync(folder.path).filter((name) => name !== ".lock"),
      [".new-notes", "notes"],
    ),
  );
  await launcher.close();
});

test("a script's nodes join by service account in the default pool alone", async () => {
  await using folder = scratch();
  const commands = join(folder.path, "commands");
  mkdirSync(commands, { mode: 0o755 });
  const { signal } = new AbortController();
  const order = "00000000-0000-4000-8000-000000000005";
  const listing = (instance: { readonly pool: string; readonly joinsAs?: string }) => {
    const answer = JSON.stringify({ instances: [{ order, state: "running", ...instance }] });
    writeFileSync(join(commands, "list"), `#!/bin/sh\necho '${answer}'\n`, { mode: 0o755 });
    const options = { directory: commands, name: "list", installationId: "i", env };
    return createCommandLauncher(options).list(signal);
  };

  const joinsAs = "consoles/node-0";
  assert.equal((await listing({ pool: "default", joinsAs }))[0]?.joinsAs, joinsAs);
  assert.equal((await listing({ pool: "edge" }))[0]?.pool, "edge");
  await assert.rejects(listing({ pool: "edge", joinsAs }), (error) => {
    assert.ok(error instanceof LaunchError);
    assert.match(error.message, /pool edge with joinsAs/);
    return true;
  });
});

test("a script that lists what is no order is not believed", async () => {
  await using folder = scratch();
  const commands = join(folder.path, "commands");
  mkdirSync(commands, { mode: 0o755 });
  const { signal } = new AbortController();
  const id = "00000000-0000-4000-8000-000000000004";
  const listing = (order: string) => {
    const answer = JSON.stringify({ instances: [{ order, pool: "default", state: "running" }] });
    writeFileSync(join(commands, "list"), `#!/bin/sh\necho '${answer}'\n`, { mode: 0o755 });
    const options = { directory: commands, name: "list", installationId: "i", env };
    return createCommandLauncher(options).list(signal);
  };

  assert.deepEqual(
    (await listing(id)).map(({ orderId }) => orderId),
    [id],
  );
  for (const order of ["vm-7", `../${id}`, `${id}x`, ""])
    await assert.rejects(listing(order), /did not answer with a list of instances/);
});

test("a script is taken from its directory alone, and only if nobody else can write it", async () => {
  await using folder = scratch();
  const commands = join(folder.path, "commands");
  const name = writeLaunchScript(commands, join(folder.path, "nodes"));
  const make = (options: { directory?: string; name?: string }) =>
    createCommandLauncher({ directory: commands, name, installationId: "i", env, ...options });

  assert.equal(make({}).scope, "command launch");
  const [elsewhere, here] = [join(folder.path, "elsewhere"), join(commands, "other-name")];
  writeFileSync(elsewhere, "#!/bin/sh\n", { mode: 0o755 });
  symlinkSync(elsewhere, join(commands, "out"));
  assert.throws(() => make({ name: "out" }), /is a link to .*elsewhere, outside of --launch-commands/);
  symlinkSync(name, here);
  assert.equal(make({ name: "other-name" }).scope, "command other-name");
  for (const bad of ["../commands/launch", "sub/launch", ".hidden", "", "absent"])
    assert.throws(() => make({ name: bad }), ConfigError, bad);
  mkdirSync(join(commands, "folder"));
  assert.throws(() => make({ name: "folder" }), /not a file/);
  writeFileSync(join(commands, "plain"), "", { mode: 0o644 });
  assert.throws(() => make({ name: "plain" }), ConfigError);
  const { chmodSync } = await import("node:fs");
  chmodSync(join(commands, name), 0o757);
  assert.throws(() => make({}), /written by others/);
  chmodSync(join(commands, name), 0o755);
  chmodSync(commands, 0o775);
  assert.throws(() => make({}), /written by others/);
});

test("what a script says and how long it takes are bounded, and all that it started ends with it", async () => {
  await using folder = scratch();
  const program = (source: string) => ({
    file: process.execPath,
    args: ["-e", source],
    cwd: folder.path,
    env: {},
  });
  const { signal } = new AbortController();

  await assert.rejects(
    runLauncher({ ...program(""), file: "/usr/bin/yes", args: [] }, "", signal),
    /says too much/,
  );
  await assert.rejects(runLauncher(program("console.error('no room'); process.exit(3)"), "", signal), {
    name: "LaunchError",
    message: /status 3: no room$/,
  });
  const marker = join(folder.path, "child");
  const hanging = `
    const { spawn } = require("node:child_process");
    const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
    require("node:fs").writeFileSync(${JSON.stringify(marker)}, String(child.pid));
    setInterval(() => {}, 1000);`;
  const limit = new AbortController();
  const call = runLauncher(program(hanging), "", limit.signal);
  const pid = await eventually(() => Number(readFileSync(marker, "utf8")) || assert.fail("not yet"));
  limit.abort();

  await assert.rejects(call, LaunchError);
  await eventually(() => assert.throws(() => process.kill(pid, 0)));
});

test("what a script leaves running is not waited for, nor ended, also where it holds the script's output open", async () => {
  await using folder = scratch();
  const leaving = `
    const { spawn } = require("node:child_process");
    const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "inherit" });
    process.stdout.write(String(child.pid), () => process.exit());`;
  const program = { file: process.execPath, args: ["-e", leaving], cwd: folder.path, env: {} };
  const limit = new AbortController();
  const generous = AbortSignal.any([limit.signal, AbortSignal.timeout(60_000)]);

  const left = Number(await runLauncher(program, "", generous));
  limit.abort();

  assert.ok(process.kill(left, "SIGKILL"), "it has been ended");
});

test("a script that tells the join token is not repeated", async () => {
  await using folder = scratch();
  const commands = join(folder.path, "commands");
  mkdirSync(commands, { mode: 0o755 });
  const source = `#!/bin/sh\ncat >&2\nexit 1\n`;
  writeFileSync(join(commands, "telling"), source, { mode: 0o755 });
  const launcher = createCommandLauncher({ directory: commands, name: "telling", installationId: "i", env });
  const token = new Secret(`${"f".repeat(43)}.secret-secret-secret`);

  const call = launcher.launch(
    { id: "x", pool: "default", join: { controls: ["https://127.0.0.1:1"], token } },
    new AbortController().signal,
  );

  await assert.rejects(
    call,
    (error: Error) => error instanceof LaunchError && !error.message.includes("secret-"),
  );
  rmSync(commands, { recursive: true });
});
