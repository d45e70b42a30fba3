import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { eventually } from "../harness/eventually.ts";
import { LOOPBACK } from "../harness/free-port.ts";
import { NativeClient } from "../harness/native-client.ts";
import { firstLine, type Process, startProcess } from "../harness/process.ts";
import { scratch } from "../harness/scratch.ts";
import { isGone, processesOf } from "../harness/start-processes.ts";
import { TestViewer } from "../harness/test-viewer.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const MAIN = join(ROOT, "src/main.ts");

interface Ready {
  readonly ready: true;
  readonly control: string;
  readonly node: string;
  readonly apiKey: string;
  readonly secretKey: string;
  readonly machines: readonly { readonly id: string; readonly name: string }[];
}

const CLEAN = { PORTHOLE_URL: "", PORTHOLE_API_KEY: "", PORTHOLE_SECRET_KEY: "", PORTHOLE_JSON: "" };

/** For the roles by themselves, and not valid there: what start starts must not hear of it. */
const FOR_ROLES = { PORTHOLE_CONTROL_LINK: "none", PORTHOLE_PROXY_MAX_SESSIONS: "none" };

async function start(data: string, ...args: readonly string[]): Promise<Process> {
  return await startProcess(
    process.execPath,
    [MAIN, "start", "--data", data, "--listen", `${LOOPBACK}:0`, ...args],
    { env: { ...CLEAN, ...FOR_ROLES } },
  );
}

async function readyLine(child: Process): Promise<Ready> {
  return JSON.parse(await firstLine(child));
}

async function assertGone(pids: readonly number[]): Promise<void> {
  assert.equal(pids.length, 3, "control, a node and the demo machine");
  await eventually(() =>
    assert.deepEqual(
      pids.filter((pid) => !isGone(pid)),
      [],
    ),
  );
}

describe("porthole start", () => {
  test("says one line when control, a node and the demo machine are ready, and ends cleanly", async () => {
    await using folder = scratch();
    const data = join(folder.path, "data");
    await using child = await start(data, "--json");

    const ready = await readyLine(child);

    assert.deepEqual(Object.keys(ready), ["ready", "control", "node", "apiKey", "secretKey", "machines"]);
    assert.deepEqual(
      ready.machines.map(({ name }) => name),
      ["Demo machine"],
    );
    for (const origin of [ready.control, ready.node]) assert.match(origin, /^http:\/\/127\.0\.0\.1:\d+$/);
    const api = new NativeClient(ready.control, ready);
    const { url } = await api.openConsole(ready.machines[0]?.id ?? "");
    assert.ok(url.startsWith(`${ready.node}/p/`));
    for (const file of ["cli.toml", "porthole.key", "porthole.db"])
      assert.equal(statSync(join(data, file)).mode & 0o077, 0, `${file} is its owner's alone`);
    assert.equal(existsSync(join(data, "bootstrap.json")), false);

    const pids = processesOf(data);
    for (const pid of pids) assert.doesNotMatch(readFileSync(`/proc/${pid}/environ`, "utf8"), /PORTHOLE_/);
    const commands = pids.map((pid) => readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " "));
    for (const command of commands)
      assert.equal(/ --v8-pool-size=1 /.test(command), / \S+main\.ts control /.test(command), command);
    assert.equal(await child.stop("SIGTERM"), 0);

    await assertGone(pids);
    assert.equal(child.stdout.text.trim().split("\n").length, 1, "exactly one line on standard output");
    assert.doesNotMatch(child.stderr.text, new RegExp(ready.secretKey));
    assert.doesNotMatch(child.stderr.text, /could not be told|"level":[56]0/, "it stopped in order");
  });

  test("tells whoever looks at a console that the node was stopped, when all of it is", async () => {
    await using folder = scratch();
    await using child = await start(folder.path, "--json", "--log-level", "silent");
    const { control, node, machines, ...keys } = await readyLine(child);
    const { websocket } = await new NativeClient(control, keys).openConsole(machines[0]?.id ?? "");
    await using viewer = await TestViewer.porthole(node, websocket.token);
    await viewer.handshake();

    assert.equal(await child.stop("SIGTERM"), 0);

    assert.deepEqual(await viewer.untilClosed(), { code: 4461, reason: "node_stopping" });
    assert.equal(
      child.stderr.text,
      "Starting the control plane\nStarting the demo machine\nStarting a console node\nStopping\n",
      "and every process is as silent as was asked for",
    );
  });

  test("a data directory that cannot be one is said to be so, in words", async () => {
    await using folder = scratch();
    const file = join(folder.path, "file");
    writeFileSync(file, "");

    for (const data of [file, join(file, "below"), "/dev/null/x"]) {
      await using child = await start(data, "--json");

      assert.equal(await child.exited, 1);
      assert.match(child.stderr.text, /^porthole start: \S+ cannot be used as the data directory: .*\n$/);
      assert.ok(child.stderr.text.includes(data));
    }
  });

  test("on a directory for the second time finds everything as it was", async () => {
    await using folder = scratch();
    const first = await start(folder.path, "--json");
    const before = await readyLine(first);
    const api = new NativeClient(before.control, before);
    const added = await api.addMachine({ name: "mine", protocol: "rfb", address: "127.0.0.1:5901" });
    const [demo] = await api.machines();
    assert.equal(await first.stop("SIGINT"), 0);
    // The system picks the demo machine's port each time; here it cannot be the same one.
    const [host, port] = (demo?.address ?? "").split(":");
    await using squatter = createServer();
    // Where somebody else has it by now, that does as well.
    await once(squatter.listen(Number(port), host), "listening").catch(() => {});

    await using second = await start(folder.path, "--json");
    const after = await readyLine(second);

    assert.deepEqual([after.apiKey, after.secretKey], [before.apiKey, before.secretKey]);
    assert.deepEqual(after.machines, [...before.machines, { id: added.id, name: "mine" }]);
    const [moved] = await new NativeClient(after.control, after).machines();
    assert.notEqual(moved?.address, demo?.address, "control knows where the demo machine is now");
    assert.match(readFileSync(join(folder.path, "cli.toml"), "utf8"), new RegExp(after.control));
  });

  test("leaves the demo machine alone when somebody has removed it, and its name when it was changed", async () => {
    await using folder = scratch();
    const first = await start(folder.path, "--json");
    const before = await readyLine(first);
    const id = before.machines[0]?.id;
    await new NativeClient(before.control, before).call("PATCH", `machines/${id}`, { name: "Toy" });
    await first.stop();

    const second = await start(folder.path, "--json");
    const renamed = await readyLine(second);
    await new NativeClient(renamed.control, renamed).call("DELETE", `machines/${id}`);
    await second.stop();
    await using third = await start(folder.path, "--json");
    const removed = await readyLine(third);

    assert.deepEqual(renamed.machines, [{ id, name: "Toy" }]);
    assert.deepEqual(removed.machines, []);
  });

  test("a second one on the same directory says that the first runs, and does it no harm", async () => {
    await using folder = scratch();
    await using first = await start(folder.path, "--json");
    const { control, ...keys } = await readyLine(first);

    await using second = await start(folder.path, "--json");

    assert.equal(await second.exited, 1);
    assert.match(second.stderr.text, new RegExp(`Porthole already runs on \\S+ \\(process ${first.pid}\\)`));
    assert.equal(second.stdout.text, "");
    assert.equal((await new NativeClient(control, keys).machines()).length, 1);
  });

  test("when it is killed, nothing that it started lives on, and the next one starts on what it left", async () => {
    await using folder = scratch();
    const first = await start(folder.path, "--json");
    const before = await readyLine(first);
    const pids = processesOf(folder.path);

    await first.stop("SIGKILL");
    // At once: the next one waits for what is left of the first.
    await using second = await start(folder.path, "--json");
    const after = await readyLine(second);

    await assertGone(pids);
    assert.deepEqual([after.apiKey, after.machines], [before.apiKey, before.machines]);
  });

  test("when one of its processes dies, it stops the others and says which one it was", async () => {
    await using folder = scratch();
    await using child = await start(folder.path, "--json");
    await readyLine(child);
    const pids = processesOf(folder.path);
    const node = pids.at(-1) ?? 0;

    process.kill(node, "SIGKILL");

    assert.equal(await child.exited, 1);
    assert.match(
      child.stderr.text,
      /porthole start: proxy ended unexpectedly \(signal SIGKILL\), so everything is stopped/,
    );
    await assertGone(pids);
  });

  test("stopped while it starts, it ends cleanly and leaves nothing behind", async () => {
    await using folder = scratch();
    const child = await start(folder.path, "--json");
    await eventually(() => assert.match(child.stderr.text, /Starting a console node/));

    assert.equal(await child.stop("SIGTERM"), 0);

    assert.equal(child.stdout.text, "");
    await using next = await start(folder.path, "--json");
    assert.equal((await readyLine(next)).machines.length, 1);
  });

  test("on a port that is taken it says so and ends", async () => {
    await using folder = scratch();
    const other = createServer().listen(0, LOOPBACK);
    await eventually(() => assert.ok(other.listening));
    const address = other.address();
    assert.ok(address !== null && typeof address === "object");

    await using child = await startProcess(
      process.execPath,
      [MAIN, "start", "--data", folder.path, "--listen", `${LOOPBACK}:${address.port}`, "--json"],
      { env: CLEAN },
    );

    assert.equal(await child.exited, 1);
    assert.match(child.stderr.text, new RegExp(`--listen 127\\.0\\.0\\.1:${address.port}: .*EADDRINUSE`));
    assert.match(child.stderr.text, /porthole start: control ended before it was ready/);
    other.close();
  });

  test("a wildcard address is refused with what to do instead, and options are explained", async () => {
    await using folder = scratch();
    const args = [MAIN, "start", "--data", folder.path];
    await using wildcard = await startProcess(process.execPath, [...args, "--listen", "0.0.0.0:0"], {
      env: CLEAN,
    });
    await using wrong = await startProcess(process.execPath, [...args, "--listen", "here"], { env: CLEAN });
    await using help = await startProcess(process.execPath, [...args, "--help"], { env: CLEAN });

    assert.deepEqual([await wildcard.exited, await wrong.exited, await help.exited], [1, 2, 0]);
    assert.match(wildcard.stderr.text, /must be one address of this machine.*--public-url/);
    assert.match(wrong.stderr.text, /--listen: must be HOST:PORT/);
    assert.match(help.stdout.text, /--listen HOST:PORT/);
  });

  test("where the administrator's keys are lost it says so, rather than to start without them", async () => {
    await using folder = scratch();
    const first = await start(folder.path, "--json");
    await readyLine(first);
    await first.stop();
    writeFileSync(join(folder.path, "cli.toml"), 'url = "http://127.0.0.1:1"\n');

    await using second = await start(folder.path, "--json");

    assert.equal(await second.exited, 1);
    assert.match(second.stderr.text, /cli\.toml does not hold url, api-key and secret-key/);
  });
});

describe("in a terminal", () => {
  test("it says what it does, then one address, which signs the administrator in", async () => {
    await using folder = scratch();
    await using child = await start(folder.path);
    const [, origin = "", code = ""] = await eventually(() => {
      const match = /^ {2}(http:\S+)\/#code=(\S+)$/m.exec(child.stdout.text);
      assert.ok(match !== null, child.stderr.text);
      return match;
    });

    const response = await fetch(`${origin}/api/v1/sign-in`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ code }),
    });

    assert.equal(response.status, 204);
    assert.equal(
      child.stderr.text,
      "Starting the control plane\nStarting the demo machine\nStarting a console node\n",
    );
    assert.equal(await child.stop("SIGINT"), 0);
  });

  test("Ctrl-C reaches the whole process group, and a second one changes nothing", async () => {
    await using folder = scratch();
    const command = `exec ${process.execPath} ${MAIN} start --data ${folder.path} --listen ${LOOPBACK}:0 --json`;
    // setsid makes it the leader of a group of its own, as a shell does for what it runs in a terminal.
    await using child = await startProcess("setsid", ["--wait", "sh", "-c", command], { env: CLEAN });
    await readyLine(child);
    const [leader = 0] = readFileSync(join(folder.path, "start.pid"), "utf8").split("\n").map(Number);
    const pids = processesOf(folder.path);

    process.kill(-leader, "SIGINT");
    process.kill(-leader, "SIGINT");

    assert.equal(await child.exited, 0);
    await assertGone(pids);
    assert.doesNotMatch(child.stderr.text, /could not be told/, "the node was stopped before control");
  });

  test("npm start is the same, and a signal to npm ends all of it with status 0", async () => {
    await using folder = scratch();
    await using npm = await startProcess(
      "npm",
      ["start", "--silent", "--", "--data", folder.path, "--listen", `${LOOPBACK}:0`, "--json"],
      { cwd: ROOT, env: CLEAN },
    );
    const ready = await readyLine(npm);
    const pids = processesOf(folder.path);

    assert.equal(ready.ready, true);
    assert.equal(npm.stdout.text.trim().split("\n").length, 1, "npm adds nothing");
    assert.equal(await npm.stop("SIGTERM"), 0);
    await assertGone(pids);
  });

  test("with --nova its line says where OpenStack's clients find it, and by which token", async () => {
    await using folder = scratch();
    const args = ["--listen", `${LOOPBACK}:0`, "--nova", `${LOOPBACK}:0`, "--json"];
    await using npm = await startProcess("npm", ["start", "--silent", "--", "--data", folder.path, ...args], {
      cwd: ROOT,
      env: CLEAN,
    });
    const ready = (await readyLine(npm)) as Ready &
      Readonly<Record<"nova" | "identity" | "novaToken", string>>;
    const { nova, identity, novaToken, apiKey, secretKey, control } = ready;
    const ask = async (url: string, token: string) =>
      await fetch(url, { headers: { "x-auth-token": token, "x-subject-token": token } });

    assert.match(nova, /^http:\/\/127\.0\.0\.1:\d+\/v2\.1$/);
    assert.equal(identity, nova.replace(/\/v2\.1$/, "/identity/v3"));
    assert.notEqual(new URL(nova).port, new URL(control).port);
    assert.equal(novaToken, `${apiKey}:${secretKey}`);
    const listed = await (await ask(`${nova}/servers`, novaToken)).json();
    const { servers } = listed as { readonly servers: readonly (typeof ready.machines)[number][] };
    assert.deepEqual(
      servers.map(({ id, name }) => ({ id, name })),
      ready.machines,
    );
    // For administrators alone, and there is none such.
    const headers = { "x-auth-token": novaToken, "openstack-api-version": "compute 2.31" };
    assert.equal((await fetch(`${nova}/os-console-auth-tokens/none`, { headers })).status, 404);
    assert.equal((await ask(`${nova}/servers`, "wrong")).status, 401);
    assert.equal((await fetch(identity)).status, 200);
    assert.equal((await ask(`${identity}/auth/projects`, novaToken)).status, 200);
    assert.equal(npm.stdout.text.trim().split("\n").length, 1);
  });
});
