import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { connect } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { Secret } from "#base/secret.ts";
import type { DriverMachine } from "#hypervisors/driver.ts";
import { createLibvirtDriver } from "#hypervisors/libvirt/driver.ts";
import { parseEndpoint } from "#hypervisors/libvirt/endpoint.ts";
import { manualDriver } from "#hypervisors/manual/driver.ts";
import { placeOf, type Upstream } from "#wire/grant.ts";
import { driverConformance, hypervisorConformance } from "../conformance/drivers.ts";
import { eventually } from "../harness/eventually.ts";
import { type Libvirt, lackingLibvirt as skip, startLibvirt } from "./libvirt.ts";
import { define, qemuDomain, testDomain, testDriver } from "./libvirt-domains.ts";
import { startRounds } from "./rounds.ts";

const { signal } = new AbortController();
const UUID = "6695eb01-f6a4-8304-79aa-97f2502e193f";
const WINDOWS = "http://microsoft.com/win/11";

driverConformance("manual", async () => {
  const machine = machineAt("127.0.0.1:5900");
  return {
    ...{ driver: manualDriver, machine, wrongAddress: "nowhere" },
    stop: async () => ({ ...machine, state: "stopped" }),
    [Symbol.asyncDispose]: async () => {},
  };
});

hypervisorConformance(
  "libvirt",
  async () => {
    const libvirt = await startLibvirt();
    const driver = driverOf(libvirt, testDriver(libvirt, [testDomain({ uuid: UUID, name: "büro ☃" })]));
    const machine = machineAt(UUID);
    return {
      ...{ driver, machine, name: "büro ☃", absent: randomUUID(), wrongAddress: "127.0.0.1:5900" },
      stop: async () => {
        await driver.power(UUID, "cut", signal);
        return machine;
      },
      [Symbol.asyncDispose]: async () => {
        await driver[Symbol.asyncDispose]();
        await libvirt[Symbol.asyncDispose]();
      },
    };
  },
  skip,
);

test("libvirt: a thousand machines are listed, with what each one's guest is", { skip }, async () => {
  await using libvirt = await startLibvirt();
  const domains = Array.from({ length: 1000 }, (_, index) =>
    testDomain({ uuid: randomUUID(), name: `vm${index}`, os: index % 2 === 0 ? WINDOWS : undefined }),
  );
  await using driver = driverOf(libvirt, testDriver(libvirt, domains));

  const machines = await driver.list(signal);

  assert.equal(machines.length, 1000);
  const guests = machines.map(({ name, guest }) => [Number(name.slice(2)) % 2 === 0, guest]);
  assert.ok(guests.every(([isEven, guest]) => guest === (isEven ? "windows" : "unknown")));
});

test("libvirt: a list of many machines waits for few ways there and back", { skip }, async () => {
  await using libvirt = await startLibvirt();
  const domains = Array.from({ length: 640 }, (_, index) =>
    testDomain({ uuid: randomUUID(), name: `vm${index}`, os: WINDOWS }),
  );
  const socket = join(libvirt.logs, "far");
  await using rounds = await startRounds(socket, libvirt.socket);
  await using driver = driverOf({ ...libvirt, socket }, testDriver(libvirt, domains));
  await driver.find(randomUUID(), signal);
  const before = rounds.count;

  const machines = await driver.list(signal);

  assert.equal(machines.length, domains.length);
  // Ten times 64 at once, and the two that are asked first; how answers meet is the kernel's to say. Of four at once there were 160.
  assert.ok(rounds.count - before < 80, `${rounds.count - before}`);
});

test("libvirt: whoever follows is told when libvirt goes, and follows again when it is back", {
  skip,
}, async () => {
  await using libvirt = await startLibvirt();
  await using driver = driverOf(libvirt, "test:///default");
  const { ended } = await driver.follow(() => {}, signal);

  await libvirt.restart();
  await ended;
  const told: string[] = [];
  await eventually(async () => await driver.follow((address) => void told.push(address), signal));
  await driver.power(UUID, "cut", signal);

  await eventually(() => assert.deepEqual(told, [UUID]));
});

test("libvirt: QEMU's VNC is where libvirt says, by TCP and by a UNIX socket, with its password", {
  skip,
}, async () => {
  await using libvirt = await startLibvirt();
  await using driver = driverOf(libvirt, "qemu:///session");
  const [tcp, unix] = [randomUUID(), randomUUID()];
  const socket = join(libvirt.logs, "vnc.sock");
  await define(
    libvirt,
    qemuDomain(tcp, "<graphics type='vnc' autoport='yes' listen='127.0.0.1' passwd='geheim'/>"),
  );
  await define(libvirt, qemuDomain(unix, `<graphics type='vnc' socket='${socket}'/>`));
  await assert.rejects(driver.resolve(machineAt(tcp)), { code: "machine_not_running" });
  for (const address of [tcp, unix]) await driver.power(address, "start", signal);

  const byTcp = await driver.resolve(machineAt(tcp));
  const byUnix = await driver.resolve(machineAt(unix));

  assert.equal(byTcp.password, "geheim");
  assert.deepEqual(byUnix, { address: { kind: "unix", path: socket } });
  assert.match(await greeting(byTcp), /^RFB 003\.008\n/);
  assert.match(await greeting(byUnix), /^RFB 003\.008\n/);
  assert.deepEqual(await driver.consoles(tcp, signal), [
    { protocol: "rfb", isExclusive: false },
    { protocol: "serial", isExclusive: true },
  ]);
  const { mediaType } = await driver.screenshot(tcp, signal);
  assert.match(mediaType, /^image\//);
  await using reader = driverOf(libvirt, "qemu:///session", { isReadOnly: true });
  const onRecord = await reader.resolve({ ...machineAt(tcp), password: new Secret("other") });
  assert.equal(onRecord.password, "other", "who may only read is not told the password");
  for (const address of [tcp, unix]) await driver.power(address, "cut", signal);
  await assert.rejects(driver.resolve(machineAt(tcp)), { code: "machine_not_running" });
  await libvirt.virsh("undefine", tcp);
  await assert.rejects(driver.resolve(machineAt(tcp)), { code: "machine_gone" });
});

test("libvirt: the way that fails is named by its step, in an error of the catalogue", async () => {
  const access = { credentials: {}, isReadOnly: false };
  await using driver = createLibvirtDriver({
    ...access,
    endpoint: parseEndpoint("test:///x?socket=/nonesuch"),
  });

  await assert.rejects(driver.list(signal), { code: "upstream_unreachable", detail: "libvirt: socket" });
});

function driverOf({ socket }: Libvirt, uri: string, { isReadOnly = false } = {}) {
  return createLibvirtDriver({
    endpoint: parseEndpoint(`${uri}?socket=${socket}`),
    credentials: {},
    isReadOnly,
  });
}

async function greeting(upstream: Upstream): Promise<string> {
  const place = placeOf(upstream);
  const socket = connect(
    place.kind === "unix" ? { path: place.path } : { host: place.host, port: place.port },
  );
  try {
    for await (const chunk of socket) return String(chunk);
    return "";
  } finally {
    socket.destroy();
  }
}

function machineAt(address: string): DriverMachine {
  return { id: randomUUID(), protocol: "rfb", address, password: undefined, state: "running" };
}
