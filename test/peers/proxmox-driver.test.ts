import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { inspect } from "node:util";
import type { DriverMachine, HypervisorDriver } from "#hypervisors/driver.ts";
import { isPartSilent } from "#hypervisors/heard.ts";
import { HypervisorError } from "#hypervisors/hypervisor-error.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { Upstream } from "#wire/grant.ts";
import { hypervisorConformance } from "../conformance/drivers.ts";
import { eventually } from "../harness/eventually.ts";
import type { Failure } from "./proxmox-api.ts";
import { addressOf, clusterMachine, driverOf, record, startProxmoxStage } from "./proxmox-stage.ts";
import { lackingQemu as skip } from "./qemu.ts";

const { signal } = new AbortController();

hypervisorConformance(
  "Proxmox VE's double",
  async () => {
    const stage = await startProxmoxStage();
    const { driver, machine, web } = stage;
    return {
      ...{ driver, machine, name: "web", absent: `100/1/${randomUUID()}`, wrongAddress: "100" },
      ...{ hasScreenshots: false, hasLine: true },
      stop: async () => {
        web.status = "stopped";
        return machine;
      },
      [Symbol.asyncDispose]: async () => await stage[Symbol.asyncDispose](),
    };
  },
  skip,
);

test("Proxmox VE: machines are listed as they are, without containers, templates and those that nothing tells apart", {
  skip,
}, async () => {
  await using stage = await startProxmoxStage();
  const { machines } = stage.api.cluster;
  machines.set(102, { node: "pve1", type: "lxc", status: "running", config: {} });
  machines.set(103, clusterMachine("template", { template: true }));
  machines.set(104, { ...clusterMachine("old"), config: { name: "old" } });
  const windows = clusterMachine("", {
    config: { ostype: "win11", vga: "type=serial0", smbios1: "base64=1" },
  });
  delete windows.config["name"];
  machines.set(105, windows);

  const listed = await stage.driver.list(signal);

  const [db] = [machines.get(101)];
  assert.ok(db !== undefined);
  assert.deepEqual(listed, [
    { address: addressOf(100, stage.web), name: "web", power: "running", guest: "linux" },
    { address: addressOf(101, db), name: "db", power: "stopped", guest: "linux" },
    { address: "105/1700000000/-", name: "VM 105", power: "running", guest: "windows" },
  ]);
  assert.deepEqual(await stage.driver.consoles("105/1700000000/-", signal), [
    { protocol: "serial", isExclusive: true },
  ]);
  await assert.rejects(stage.driver.resolve(record("105/1700000000/-")), { code: "upstream_unreachable" });
});

test("Proxmox VE: a number that is given again opens nothing of whoever has it now, and is told as another machine", {
  skip,
}, async () => {
  await using stage = await startProxmoxStage();
  const { driver, machine, api } = stage;
  const leave = new AbortController();
  const told: string[] = [];
  await driver.list(signal);
  await driver.follow((address) => void told.push(address), leave.signal);
  const another = clusterMachine("web");
  api.cluster.machines.set(100, another);

  for (const ask of [
    driver.check(machine),
    driver.resolve(machine),
    driver.lend?.(machine, async () => {}) ?? assert.fail(),
    driver.consoles(machine.address, signal),
    driver.power(machine.address, "cut", signal),
  ])
    await assert.rejects(ask, { code: "machine_gone" });

  assert.equal(another.status, "running");
  assert.equal(await driver.find(machine.address, signal), undefined);
  assert.deepEqual(api.secrets, []);
  const listed = (await driver.list(signal)).map(({ address }) => address);
  assert.ok(listed.includes(addressOf(100, another)) && !listed.includes(machine.address));
  leave.abort();
});

test("Proxmox VE: a machine is found wherever it has moved, also while its console is asked for", {
  skip,
}, async () => {
  await using stage = await startProxmoxStage();
  const { driver, machine, web, api } = stage;
  await driver.list(signal);

  web.node = "pve2";
  const { address } = await upstreamOf(driver, machine);
  assert.ok(address.kind === "websocket");
  assert.match(address.path, /^\/api2\/json\/nodes\/pve2\/qemu\/100\/vncwebsocket\?port=59\d\d&vncticket=/);
  assert.equal((await driver.find(machine.address, signal))?.power, "running");

  api.cluster.machines.delete(100);
  assert.equal(await driver.find(machine.address, signal), undefined);
});

test("Proxmox VE: for whoever only asks where a console is nothing is made ready", { skip }, async () => {
  await using stage = await startProxmoxStage();
  const { driver, machine, api } = stage;

  const { address, password } = await driver.resolve(machine);

  assert.ok(address.kind === "websocket" && address.path.endsWith("/qemu/100/vncwebsocket"));
  assert.deepEqual([address.headers, password, api.secrets], [undefined, undefined, []]);
  assert.ok(!api.asked.some((question) => question.endsWith("/vncproxy")));
});

test("Proxmox VE: a release that says what is wrong in its status line alone is understood", {
  skip,
}, async () => {
  await using stage = await startProxmoxStage();
  const { driver, machine, web, api } = stage;
  api.cluster.isOld = true;
  await driver.list(signal);

  web.node = "pve2";
  assert.equal((await driver.find(machine.address, signal))?.power, "running");
  api.cluster.privileges.delete("VM.Console");
  const problem = await upstreamOf(driver, machine).catch((error: unknown) => error);
  assert.match(inspect(problem), /the API token may not do that: Permission check failed/);
  api.cluster.machines.delete(100);
  assert.equal(await driver.find(machine.address, signal), undefined);
});

test("Proxmox VE: where a node of a cluster is down the machines of the others are listed, and its own are not gone", {
  skip,
}, async () => {
  await using stage = await startProxmoxStage();
  const { driver, machine, api, web } = stage;
  const { cluster } = api;
  const [here, there] = await driver.list(signal);
  assert.ok(here?.name === "web" && there?.name === "db");
  for (let vmid = 200; vmid < 220; vmid += 1)
    cluster.machines.set(vmid, clusterMachine(`more-${vmid}`, { node: "pve2" }));
  cluster.down.add("pve2");
  cluster.unnoticed.add("pve2");
  const heardBy = async (asked: HypervisorDriver) => (await asked.listHeard?.(signal)) ?? assert.fail();
  await using restarted = driverOf(api);
  const ofPve2 = (questions: readonly string[]) =>
    questions.filter((question) => question.includes("/pve2/")).length;

  // Before the cluster has noticed, it is asked about a few machines, and after that about none.
  for (const [noticed, questions] of [
    [false, 4],
    [true, 0],
  ] as const) {
    if (noticed) cluster.unnoticed.clear();
    for (const asked of [driver, restarted]) {
      const before = api.asked.length;
      const { machines, silent, isUnheard } = await heardBy(asked);

      assert.deepEqual(machines, [here]);
      assert.deepEqual(silent, ["pve2"]);
      assert.deepEqual(
        [here, there].map(({ address }) => isUnheard(address)),
        [false, true],
      );
      assert.ok(ofPve2(api.asked.slice(before)) <= questions);
      assert.equal((await asked.check(machine)).running, true);
      await assert.rejects(asked.find(there.address, signal), isPartSilent);
    }
  }
  cluster.machines.delete(101);
  assert.ok(!(await heardBy(driver)).isUnheard(there.address), "it was deleted meanwhile");

  // What was restarted at another node is found there, also by who knows it at the one that is down.
  web.node = "pve3";
  cluster.down.add("pve1");
  assert.equal((await driver.find(machine.address, signal))?.power, "running");
  cluster.down.clear();
  const all = await heardBy(restarted);
  assert.deepEqual([all.machines.length, all.silent], [21, []]);
});

test("Proxmox VE: whoever follows is told nothing of machines whose node is down, and of those that were not known when it is back", {
  skip,
}, async () => {
  await using stage = await startProxmoxStage();
  const { driver, api } = stage;
  const { cluster } = api;
  const [, there] = await driver.list(signal);
  assert.ok(there !== undefined);
  cluster.down.add("pve2");
  const late = clusterMachine("late", { node: "pve2" });
  cluster.machines.set(102, late);
  const leave = new AbortController();
  const told: string[] = [];
  await driver.follow((address) => void told.push(address), leave.signal);
  const looks = () => api.asked.filter((question) => question.endsWith("/cluster/resources")).length;
  const before = looks();
  await eventually(() => assert.ok(looks() >= before + 3));
  assert.equal(told.length, 0);

  cluster.untold.add("pve2");
  cluster.down.clear();

  await eventually(() => assert.ok(told.includes(addressOf(102, late))));
  const back = looks();
  await eventually(() => assert.ok(looks() >= back + 3));
  cluster.untold.clear();
  await eventually(() => assert.ok(looks() >= back + 6));
  assert.deepEqual([...new Set(told)], [addressOf(102, late)]);
  leave.abort();
});

test("Proxmox VE: each order is given as its API calls it", { skip }, async () => {
  await using stage = await startProxmoxStage();
  const { driver, machine, web, api } = stage;
  for (const [action, word, isOn] of [
    ["restart", "reboot", true],
    ["reset", "reset", true],
    ["stop", "shutdown", false],
    ["start", "start", true],
    ["cut", "stop", false],
  ] as const) {
    const before = api.asked.length;

    await driver.power(machine.address, action, signal);

    const orders = api.asked.slice(before).filter((question) => question.startsWith("POST"));
    assert.deepEqual(orders, [`POST /api2/json/nodes/pve1/qemu/100/status/${word}`]);
    assert.equal(web.status === "running", isOn);
  }
});

test("Proxmox VE: of several nodes the first that is there is asked", { skip }, async () => {
  await using stage = await startProxmoxStage();
  const { api, machine } = stage;
  const address = `https://nobody.invalid,127.0.0.1:${api.port}`;
  await using driver = driverOf(api, { address });

  const { address: dialled } = await upstreamOf(driver, machine);

  assert.ok(dialled.kind === "websocket" && dialled.port === api.port);
});

test("Proxmox VE: what does not answer as it should is told by what it did, is asked once, and nothing secret is told", {
  skip,
}, async () => {
  await using stage = await startProxmoxStage();
  const { api, machine } = stage;
  const said = async (failure: Failure | undefined, ask = stage.driver) => {
    const before = api.asked.length;
    if (failure !== undefined) api.failures.push(failure);
    const error = await ask.identity(signal).catch((reason: unknown) => reason);
    assert.ok(error instanceof GatewayError && error.cause instanceof HypervisorError, String(error));
    assert.ok(!inspect(error, { depth: 9 }).includes(api.secret));
    assert.equal(api.asked.length, before + 1);
    return `${error.code} ${error.cause.step}: ${error.cause.message}`;
  };
  await using stranger = driverOf(api, { secret: randomUUID() });

  assert.match(await said(undefined, stranger), /^upstream_refused credentials: .*has expired/);
  assert.match(
    await said({ status: 403, message: "Permission check failed (/vms/100, VM.Console)" }),
    /^upstream_refused rights: .*VM\.Console/,
  );
  assert.match(
    await said({ status: 301, headers: { location: "https://elsewhere.example/" } }),
    /^upstream_timeout answer: .*leads elsewhere/,
  );
  assert.match(
    await said({ status: 200, body: "x".repeat(33 * 1024 * 1024) }),
    /answer: .*more than \d+ bytes/,
  );
  for (const body of ["", "<html>", "null", '{"data":null}', '{"data":[{"filename":7}]}', "\ud800"])
    assert.match(await said({ status: 200, body }), /^upstream_timeout answer: it does not/);
  const garbled = await said({ status: 500, message: "\u001b[31mbroken" });
  assert.match(garbled, /answer: .*500: .*broken/);
  assert.ok(!garbled.includes("\u001b"));

  api.cluster.privileges.delete("VM.Audit");
  await assert.rejects(stage.driver.list(signal), { code: "upstream_refused", detail: "Proxmox VE: rights" });
  await assert.rejects(stage.driver.check(machine), { code: "machine_gone" });
});

test("Proxmox VE: one that is registered to show only is switched by nobody, and has its consoles", {
  skip,
}, async () => {
  await using stage = await startProxmoxStage();
  const { api, machine, web } = stage;
  await using driver = driverOf(api, { isReadOnly: true });

  await assert.rejects(driver.power(machine.address, "cut", signal), { code: "upstream_refused" });

  assert.equal(web.status, "running");
  assert.equal((await upstreamOf(driver, machine)).address.kind, "websocket");
  await assert.rejects(stage.driver.power(machine.address, "start", signal), { code: "machine_not_running" });
});

/** What whoever opens the machine's console is given. */
async function upstreamOf(driver: HypervisorDriver, machine: DriverMachine): Promise<Upstream> {
  return ((await driver.lend?.(machine, async () => {})) ?? assert.fail()).upstream;
}
