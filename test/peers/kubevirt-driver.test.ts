import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { inspect } from "node:util";
import { Secret } from "#base/secret.ts";
import type { DriverMachine, HypervisorDriver } from "#hypervisors/driver.ts";
import { HypervisorError } from "#hypervisors/hypervisor-error.ts";
import { kubeVirtAccess } from "#hypervisors/kubevirt/access.ts";
import { createKubeVirtDriver } from "#hypervisors/kubevirt/driver.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import { hypervisorConformance } from "../conformance/drivers.ts";
import { eventually } from "../harness/eventually.ts";
import { scratch } from "../harness/scratch.ts";
import { type KubeVirtApi, startKubeVirtApi } from "./kubevirt-api.ts";
import { lackingQemu as skip, startQemu } from "./qemu.ts";

const { signal } = new AbortController();
const NOBODY = { host: "127.0.0.1", port: 1 };

function driverOf(
  { address, authority, token }: KubeVirtApi,
  {
    query = "",
    isReadOnly = false,
    ...pace
  }: { readonly query?: string; readonly isReadOnly?: boolean; readonly settleMs?: number } = {},
): HypervisorDriver {
  const given = { secret: new Secret(token), caCertificate: authority.pem, isReadOnly };
  return createKubeVirtDriver(kubeVirtAccess(`${address}${query}`, given), pace);
}

function record(address: string): DriverMachine {
  return { id: randomUUID(), protocol: "rfb", address, password: undefined, state: "running" };
}

hypervisorConformance(
  "KubeVirt's double",
  async () => {
    await using opened = new AsyncDisposableStack();
    const qemu = opened.use(await startQemu({ kubevirt: {} }));
    const api = opened.use(await startKubeVirtApi({ host: qemu.host, port: qemu.ports.kubevirt }));
    const machine = record(api.cluster.add("web"));
    const driver = opened.use(driverOf(api));
    const owned = opened.move();
    return {
      ...{ driver, machine, name: "shop/web", isExclusive: true, hasLine: true },
      ...{ absent: `shop/web/${randomUUID()}`, wrongAddress: "web" },
      stop: async () => {
        api.cluster.stop("shop/web");
        return machine;
      },
      [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
    };
  },
  skip,
);

test("KubeVirt: machines of all namespaces are listed in pages, with those that somebody made without a VirtualMachine", async () => {
  await using api = await startKubeVirtApi(NOBODY);
  const { cluster } = api;
  const web = cluster.add("web");
  const off = cluster.add("off", { running: false, annotations: { "vm.kubevirt.io/os": "windows2k22" } });
  const lone = cluster.addInstance("probe");
  const more = Array.from({ length: 4 }, (_, index) => cluster.add(`more-${index}`, { namespace: "lab" }));
  cluster.losesPages = true;
  await using driver = driverOf(api);
  await using narrow = driverOf(api, { query: "?namespace=shop" });

  const listed = new Map((await driver.list(signal)).map(({ address, ...rest }) => [address, rest]));

  assert.deepEqual(listed.get(web), { name: "shop/web", power: "running", guest: "linux" });
  assert.deepEqual(listed.get(off), { name: "shop/off", power: "stopped", guest: "windows" });
  assert.deepEqual(listed.get(lone), { name: "lab/probe", power: "paused", guest: "unknown" });
  assert.deepEqual([...listed.keys()].sort(), [web, off, lone, ...more].sort());
  assert.deepEqual((await narrow.list(signal)).map(({ name }) => name).sort(), ["shop/off", "shop/web"]);
  assert.deepEqual(await driver.consoles(lone, signal), []);
  await assert.rejects(driver.resolve(record(lone)), { code: "upstream_unreachable" });
  await assert.rejects(driver.power(lone, "cut", signal), { code: "upstream_refused" });
  assert.notEqual(await narrow.identity(signal), await driver.identity(signal));
});

test("KubeVirt: a machine that is made anew under its name is another one", async () => {
  await using api = await startKubeVirtApi(NOBODY);
  await using driver = driverOf(api);
  const before = api.cluster.add("web");
  api.cluster.remove("shop/web");
  const after = api.cluster.add("web");

  assert.equal(await driver.find(before, signal), undefined);
  for (const ask of [driver.resolve(record(before)), driver.power(before, "cut", signal)])
    await assert.rejects(ask, { code: "machine_gone" });
  assert.equal((await driver.find(after, signal))?.power, "running");
});

test("KubeVirt: the instance of a machine that is going is not that of the one that was made under its name", async () => {
  await using api = await startKubeVirtApi(NOBODY);
  await using driver = driverOf(api);
  const before = api.cluster.add("web");
  api.cluster.orphan("shop/web");
  const after = api.cluster.add("web", { running: false });

  assert.equal((await driver.check(record(after))).running, false);
  await assert.rejects(driver.resolve(record(after)), { code: "machine_not_running" });
  await assert.rejects(driver.resolve(record(before)), { code: "machine_gone" });
});

test("KubeVirt: a watch that tells of one thing without end is given up", async () => {
  await using api = await startKubeVirtApi(NOBODY);
  await using driver = driverOf(api);
  const { ended } = await driver.follow(() => {}, signal);
  await eventually(() => assert.equal(api.cluster.watchers, 2));

  api.failures.push({ status: 200, body: "x".repeat(9 * 1024 * 1024) });
  api.cluster.close();

  assert.match(String(await ended), /tells of one change with more than \d+ bytes/);
});

test("KubeVirt: what happens is told while it is watched, across the ends of watches and what they have missed", async () => {
  await using api = await startKubeVirtApi(NOBODY);
  const { cluster } = api;
  await using driver = driverOf(api);
  const web = cluster.add("web");
  const db = cluster.add("db");
  const told: string[] = [];
  const leave = new AbortController();
  const watched = async () => await eventually(() => assert.equal(cluster.watchers, 2));
  const { ended } = await driver.follow((address) => void told.push(address), leave.signal);
  await watched();

  cluster.stop("shop/web");
  await eventually(() => assert.ok(told.includes(web)));
  assert.ok(!told.includes(db));

  cluster.bookmark();
  cluster.close();
  cluster.stop("shop/db");
  await eventually(() => assert.ok(told.includes(db)));
  await watched();

  told.length = 0;
  cluster.close();
  cluster.remove("shop/db");
  const lab = cluster.add("new", { namespace: "lab" });
  cluster.compact();
  await eventually(() => assert.ok([db, lab].every((address) => told.includes(address))));
  assert.ok(!told.includes(web));

  api.failures.push({ status: 200, body: '{"type":"ADDED","object":{}}\n' });
  cluster.close();
  const cause = await ended;
  assert.ok(cause instanceof HypervisorError && cause.step === "answer", String(cause));
  leave.abort();
});

test("KubeVirt: a machine is told once of what happens to both of its objects, and not of what nobody is shown", async () => {
  await using api = await startKubeVirtApi(NOBODY);
  const { cluster } = api;
  // Long enough for both objects of each to have come.
  await using driver = driverOf(api, { settleMs: 3_000 });
  const web = cluster.add("web");
  const off = cluster.add("off", { running: false });
  const db = cluster.add("db");
  const probe = cluster.addInstance("probe");
  const leave = new AbortController();
  const told: string[] = [];
  await driver.follow((address) => void told.push(address), leave.signal);
  await eventually(() => assert.equal(cluster.watchers, 2));

  cluster.stop("shop/web");
  cluster.start("shop/off");
  cluster.touch("shop/db");
  cluster.remove("lab/probe");
  await eventually(() => assert.ok(told.length >= 3));
  assert.deepEqual(told.sort(), [off, probe, web].sort());

  // What was pending with those would be told with the next.
  cluster.stop("shop/db");
  await eventually(() => assert.ok(told.includes(db)));
  assert.deepEqual(told.sort(), [db, off, probe, web].sort());
  leave.abort();
});

test("KubeVirt: a pod's token and authority are read for each question, as they are replaced while it runs", async () => {
  await using api = await startKubeVirtApi(NOBODY);
  await using folder = scratch();
  const pod = { folder: folder.path, server: api.address };
  await using driver = createKubeVirtDriver(
    kubeVirtAccess("in-cluster", { secret: undefined, isReadOnly: false }, pod),
  );
  const put = (name: string, text: string) => writeFileSync(join(folder.path, name), text);

  await assert.rejects(driver.identity(signal), {
    code: "upstream_refused",
    detail: "KubeVirt: credentials",
  });
  put("ca.crt", api.authority.pem);
  put("token", "control.token\n");
  assert.match(await driver.identity(signal), new RegExp(api.cluster.uid));
  api.token = "next.token";
  await assert.rejects(driver.identity(signal), {
    code: "upstream_refused",
    detail: "KubeVirt: credentials",
  });
  put("token", "next.token\n");
  assert.match(await driver.identity(signal), new RegExp(api.cluster.uid));
});

test("KubeVirt: what does not answer as it should is told by what it did, is asked once, and nothing secret is told", async () => {
  await using api = await startKubeVirtApi(NOBODY);
  await using driver = driverOf(api);
  const web = api.cluster.add("web");
  const said = async (failure?: KubeVirtApi["failures"][number]) => {
    if (failure !== undefined) api.failures.push(failure);
    const before = api.asked.length;
    const error = await driver.identity(signal).catch((reason: unknown) => reason);
    assert.ok(error instanceof GatewayError && error.cause instanceof HypervisorError, String(error));
    assert.ok(!inspect(error, { depth: 9 }).includes("control.token"));
    assert.ok(api.asked.length <= before + 1 && api.failures.length === 0);
    return `${error.code} ${error.cause.step}: ${error.cause.message}`;
  };

  assert.match(await said({ status: 302, headers: { location: "https://x.example/" } }), /leads elsewhere/);
  assert.match(
    await said({ status: 200, body: "x".repeat(65 * 1024 * 1024) }),
    /answer: .*more than \d+ bytes/,
  );
  for (const body of ["", "<html>", "null", "{}", '{"metadata":{"uid":"../x"}}'])
    assert.match(await said({ status: 200, body }), /^upstream_timeout answer: it does not/);
  assert.match(await said({ status: 503, body: '{"message":"etcd is away"}' }), /status 503: etcd is away/);
  api.forbidden.add("get namespaces");
  assert.match(await said(), /^upstream_refused rights: .*cannot get namespaces/);
  api.token = "another";
  assert.match(await said(), /^upstream_refused credentials: .*expired/);
  api.token = "control.token";
  await using reading = driverOf(api, { isReadOnly: true });
  await assert.rejects(reading.power(web, "cut", signal), { code: "upstream_refused" });
  await assert.rejects(driver.power(web, "start", signal), { code: "machine_not_running" });
});
