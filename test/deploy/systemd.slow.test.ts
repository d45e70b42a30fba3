import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { eventually } from "../harness/eventually.ts";
import { NativeClient } from "../harness/native-client.ts";
import { lackingPostgres, startPostgres } from "../harness/postgres.ts";
import { startRfbUpstream } from "../harness/test-upstream.ts";
import { TestViewer } from "../harness/test-viewer.ts";
import { type Booted, boot, lackingNspawn } from "./booted.ts";

const CONTROL = "porthole-control.service";
const NODE = "porthole-proxy.service";
const OTHER_NODE = "porthole-proxy@a.service";

const READY_LINE = /^\{"ready":true.*\}$/m;

test("services of a systemd: they join, open a console, come back when they are killed, and stop", {
  skip: lackingNspawn,
}, async () => {
  await using machine = await boot();
  await using screen = await startRfbUpstream();
  machine.write("etc/porthole/control.env", controlEnvironment("/var/lib/porthole-control/bootstrap.json"));
  const { control, link } = await start(machine, CONTROL);
  const keys = JSON.parse(await machine.read("var/lib/porthole-control/bootstrap.json"));
  const client = new NativeClient(control, keys);
  const { token } = await client.call<{ token: string }>("POST", "join-tokens", { uses: 2 });
  machine.write("etc/porthole/join-token", token, 0o600);
  for (const name of ["proxy.env", "proxy-a.env"])
    machine.write(`etc/porthole/${name}`, nodeEnvironment(link));

  const node = await start(machine, NODE);
  const other = await start(machine, OTHER_NODE);
  assert.notEqual(node.id, other.id);
  for (const unit of [CONTROL, NODE, OTHER_NODE]) await assertContained(machine, unit);
  const { address } = screen.upstream;
  assert.ok(address.kind === "tcp");
  const { id } = await client.addMachine({
    name: "machine",
    protocol: "rfb",
    address: `127.0.0.1:${address.port}`,
  });
  const { websocket } = await client.openConsole(id);
  await using viewer = await TestViewer.porthole(
    `http://${websocket.host}:${websocket.port}`,
    websocket.token,
  );
  assert.ok((await viewer.handshake()).width > 0);

  // Who has joined needs the token no more.
  await machine.run("rm", "/etc/porthole/join-token");
  const killed = await machine.show(NODE, "MainPID");
  await machine.run("kill", "-9", killed);
  await eventually(async () => assert.notEqual(await machine.show(NODE, "MainPID"), killed));
  const again = JSON.parse((await machine.untilSaid(NODE, READY_LINE))[0]);
  assert.equal(again.id, node.id);

  await viewer[Symbol.asyncDispose]();
  for (const unit of [NODE, OTHER_NODE, CONTROL]) {
    await machine.run("systemctl", "stop", unit);
    const ended = [await machine.show(unit, "Result"), await machine.show(unit, "ExecMainStatus")];
    assert.deepEqual(ended, ["success", "0"], unit);
  }
  assert.equal(await machine.powerOff(), 0);
});

test("services of a systemd: a replica of control has its secrets as credentials, and no other user has them", {
  skip: lackingNspawn || lackingPostgres,
}, async () => {
  await using postgres = await startPostgres();
  await using database = await postgres.createDatabase();
  await using machine = await boot();
  machine.write("etc/porthole/control.env", controlEnvironment("/var/lib/porthole-control/bootstrap.json"));
  machine.write("etc/porthole/database-url", database.url.expose(), 0o600);
  machine.write("etc/porthole/porthole.key", `${Buffer.alloc(32, 7).toString("base64url")}\n`, 0o600);
  machine.write(
    "etc/systemd/system/porthole-control.service.d/postgresql.conf",
    readFileSync(new URL("../../deploy/systemd/postgresql.conf", import.meta.url), "utf8"),
  );
  await machine.run("systemctl", "daemon-reload");

  const { control } = await start(machine, CONTROL);

  const client = new NativeClient(
    control,
    JSON.parse(await machine.read("var/lib/porthole-control/bootstrap.json")),
  );
  assert.deepEqual(await client.machines(), []);
  const pid = await machine.show(CONTROL, "MainPID");
  for (const shown of ["cmdline", "environ"]) {
    const text = await machine.run("cat", `/proc/${pid}/${shown}`);
    assert.ok(!text.includes("postgres:"), shown);
  }
  const { stdout } = await asNobody(machine, `/run/credentials/${CONTROL}/database-url`);
  assert.equal(stdout, "refused");
  await machine.run("systemctl", "stop", CONTROL);
  assert.equal(await machine.show(CONTROL, "ExecMainStatus"), "0");
  assert.equal(await machine.powerOff(), 0);
});

function controlEnvironment(bootstrapFile: string): string {
  return [
    ...["PORTHOLE_CONTROL_LISTEN=127.0.0.1:0", "PORTHOLE_CONTROL_LINK=127.0.0.1:0"],
    ...["PORTHOLE_CONTROL_UPSTREAM_ALLOW=127.0.0.0/8", `PORTHOLE_CONTROL_BOOTSTRAP_FILE=${bootstrapFile}`],
    "PORTHOLE_JSON=true\n",
  ].join("\n");
}

function nodeEnvironment(link: string): string {
  return `PORTHOLE_PROXY_CONTROL=${link}\nPORTHOLE_PROXY_LISTEN=127.0.0.1:0\nPORTHOLE_JSON=true\n`;
}

/** Resolves to what the process says when it is ready. */
async function start(machine: Booted, unit: string): Promise<{ id: string; control: string; link: string }> {
  await machine.run("systemctl", "start", unit);
  return JSON.parse((await machine.untilSaid(unit, READY_LINE))[0]);
}

/** What the unit says is in force: a user of its own, no capability, fewer system calls, no core file, no new privilege. */
async function assertContained(machine: Booted, unit: string): Promise<void> {
  const pid = await machine.show(unit, "MainPID");
  const status = await machine.run("cat", `/proc/${pid}/status`);
  const limits = await machine.run("cat", `/proc/${pid}/limits`);

  assert.match(status, /^Uid:\s+[1-9]\d*\s/m, unit);
  assert.match(status, /^CapBnd:\s+0+$/m, unit);
  assert.match(status, /^NoNewPrivs:\s+1$/m, unit);
  assert.match(status, /^Seccomp:\s+2$/m, unit);
  assert.match(limits, /^Max core file size\s+0\s+0/m, unit);
}

async function asNobody(machine: Booted, path: string): Promise<{ stdout: string }> {
  const stdout = await machine.run(
    ...["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"],
    ...["sh", "-c", `cat ${path} 2>/dev/null || echo refused`],
  );
  return { stdout: stdout.trim() };
}
