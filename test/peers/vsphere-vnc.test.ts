import assert from "node:assert/strict";
import { test } from "node:test";
import { VsphereClient } from "#hypervisors/vsphere/client.ts";
import { listMachines } from "#hypervisors/vsphere/machines.ts";
import { ofObject, retrieve } from "#hypervisors/vsphere/properties.ts";
import { type Reference, readReference, reference } from "#hypervisors/vsphere/soap.ts";
import { children, textOf } from "#hypervisors/vsphere/xml.ts";
import type { Machine } from "#wire/api.ts";
import type { ConsoleWay } from "#wire/hypervisors.ts";
import { eventually } from "../harness/eventually.ts";
import { startFleet } from "../harness/test-fleet.ts";
import type { TestViewer } from "../harness/test-viewer.ts";
import { endingOf, INTO_DEFAULT, machines, open, picture } from "./hypervisor-stage.ts";
import { lackingQemu, startQemu } from "./qemu.ts";
import { ACCOUNT, lackingVcsim, ownNetwork, startVcsim } from "./vcsim.ts";
import { startVsphereFront } from "./vsphere-front.ts";

const skip = lackingVcsim || lackingQemu;
const { signal } = new AbortController();

/** A fleet that has the machines of a vCenter whose hosts are older, and have VNC. */
async function startWorld(consoles: ConsoleWay, args: readonly string[] = ["-version=6.7"]) {
  await using opened = new AsyncDisposableStack();
  const qemu = opened.use(await startQemu({ screen: {} }));
  const screen = { host: qemu.host, port: qemu.ports.screen };
  const vcsim = opened.use(await startVcsim({ screen, args, network: ownNetwork() }));
  const front = opened.use(await startVsphereFront(vcsim));
  const client = opened.use(new VsphereClient(vcsim.access));
  const fleet = opened.use(await startFleet());
  const node = await fleet.start();
  const { control } = fleet;
  const { id } = await control.services.hypervisors.add(control.admin, {
    ...{ name: "vcenter", platform: "vsphere", address: front.address, rules: INTO_DEFAULT, consoles },
    credentials: { ...ACCOUNT, caCertificate: vcsim.authority.pem },
  });
  const driver = await control.driverPool.driverOf(id);
  await control.inventory.takeAll(id, await driver.list(signal));
  const objects = new Map(
    (await listMachines(client, signal)).map(({ object, known }) => [known.address, object]),
  );
  const objectOf = ({ address }: Machine): Reference => {
    const object = objects.get(address ?? "");
    assert.ok(object !== undefined);
    return object;
  };
  const owned = opened.move();
  return {
    ...{ fleet, node, control, client, front, id, objectOf, machines: await machines(control) },
    /** What is set of VNC at a machine. */
    settings: async (machine: Machine): Promise<Readonly<Record<string, string>>> => {
      const path = "config.extraConfig";
      const [found] = await retrieve(client, ofObject(objectOf(machine), [path]), signal);
      const value = found?.values.get(path);
      const all = value === undefined ? [] : children(value, "OptionValue");
      const named = all.map((each) => [textOf(each, "key") ?? "", textOf(each, "value") ?? ""] as const);
      const prefix = "RemoteDisplay.vnc.";
      return Object.fromEntries(
        named.flatMap(([key, text]) => (key.startsWith(prefix) ? [[key.slice(prefix.length), text]] : [])),
      );
    },
    /** A console of the machine, with a picture of its screen. */
    look: async (machine: Machine): Promise<Looking> => {
      const { sessionId, ticket } = await open(fleet, machine);
      const viewer = await picture(node, ticket);
      return {
        viewer,
        leave: async () => {
          await viewer[Symbol.asyncDispose]();
          await endingOf(control, sessionId);
          await control.leases.settle();
        },
      };
    },
    refusal: async (machine: Machine) => {
      const { sessionId, ticket } = await open(fleet, machine);
      await assert.rejects(picture(node, ticket));
      await endingOf(control, sessionId);
      const { ending } = await control.services.sessions.get(control.admin, sessionId);
      await control.leases.settle();
      return `${ending?.code} ${ending?.detail}`;
    },
    ports: async () => await control.store.db.selectFrom("console_ports").selectAll().execute(),
    leases: async () => await control.store.db.selectFrom("console_leases").selectAll().execute(),
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}

interface Looking {
  readonly viewer: TestViewer;
  leave(): Promise<void>;
}

/** On which host a machine is. */
async function hostOf(client: VsphereClient, object: Reference): Promise<Reference> {
  const [found] = await retrieve(client, ofObject(object, ["runtime.host"]), signal);
  const host = readReference(found?.values.get("runtime.host"));
  assert.ok(host !== undefined);
  return host;
}

test("a console by VNC has a port and a password of its own, which nobody is told, and which go with it", {
  skip,
}, async () => {
  await using world = await startWorld("vnc");
  const { machines, control, node, settings, look, front } = world;
  const [machine] = machines;
  assert.ok(machine !== undefined);
  const noted: number[] = [];
  front.on("ReconfigVM_Task", async (real) => {
    noted.push((await world.leases()).length);
    return real;
  });

  const first = await look(machine);

  const set = await settings(machine);
  assert.equal(set["enabled"], "true");
  assert.ok(Number(set["port"]) >= 5900 && Number(set["port"]) <= 6105);
  assert.match(set["password"] ?? "", /^[\w-]{8}$/);
  assert.deepEqual(noted, [1], "what is to be given back was on record before it was made");
  assert.ok(!front.calls.includes("AcquireTicket"));
  const { db } = control.store;
  const rows = [
    await db.selectFrom("sessions").selectAll().execute(),
    await world.ports(),
    await world.leases(),
  ];
  const written = [node.log(), JSON.stringify(rows)].join();
  for (const secret of [set["password"] ?? "", ACCOUNT.secret]) assert.ok(!written.includes(secret));

  await first.leave();
  assert.deepEqual(await settings(machine), { enabled: "false" });
  assert.deepEqual([await world.ports(), await world.leases()], [[], []]);
  const second = await look(machine);
  assert.notEqual((await settings(machine))["password"], set["password"]);
  await second.leave();
});

test("two who look at one machine share its port, which goes with the last of them", { skip }, async () => {
  await using world = await startWorld("vnc");
  const { machines, settings, look, front } = world;
  const [machine] = machines;
  assert.ok(machine !== undefined);
  const first = await look(machine);
  const before = await settings(machine);

  const second = await look(machine);

  assert.deepEqual(await settings(machine), before);
  assert.equal(front.calls.filter((method) => method === "ReconfigVM_Task").length, 1);
  await first.leave();
  assert.deepEqual(await settings(machine), before);
  assert.equal(second.viewer.closed, undefined);
  await second.leave();
  assert.deepEqual(await settings(machine), { enabled: "false" });
});

test("consoles that open at once have ports of their own on each host, and none that somebody else has set", {
  skip,
}, async () => {
  await using world = await startWorld("vnc", ["-version=6.7", "-machines=6"]);
  const { machines, settings, look, client, objectOf } = world;
  const [foreign, ...ours] = machines;
  assert.ok(foreign !== undefined && ours.length >= 10);
  await client.ask(
    {
      ...{ method: "ReconfigVM_Task", target: objectOf(foreign) },
      parameters:
        '<spec><extraConfig><key>RemoteDisplay.vnc.port</key><value xsi:type="xsd:string">5900</value></extraConfig></spec>',
    },
    signal,
  );

  const looking = await Promise.all(ours.map(async (machine) => await look(machine)));

  const places = await Promise.all(
    [foreign, ...ours].map(async (machine) => {
      const host = await hostOf(client, objectOf(machine));
      return `${host.id} ${(await settings(machine))["port"]}`;
    }),
  );
  assert.equal(new Set(places).size, machines.length, places.join());
  for (const { viewer } of looking) assert.equal(viewer.closed, undefined);
  for (const each of looking) await each.leave();
  assert.deepEqual(await world.ports(), []);
});

test("a machine that has moved to another host has a port of that one", { skip }, async () => {
  await using world = await startWorld("vnc");
  const { machines, look, client, objectOf } = world;
  const [machine] = machines;
  assert.ok(machine !== undefined);
  const object = objectOf(machine);
  const from = await hostOf(client, object);
  const others = await Promise.all(machines.map(async (each) => await hostOf(client, objectOf(each))));
  const to = others.find((host) => host.id !== from.id);
  assert.ok(to !== undefined);
  const before = await look(machine);
  const [was] = await world.ports();
  const parameters = `<spec>${reference("host", to)}</spec>`;
  await client.ask({ method: "RelocateVM_Task", target: object, parameters }, signal);

  const after = await look(machine);

  const [now, ...more] = await world.ports();
  assert.ok(was !== undefined && now !== undefined && more.length === 0);
  assert.notEqual(now.host, was.host);
  await before.leave();
  assert.equal(after.viewer.closed, undefined);
  await after.leave();
});

test("hosts from 7.0 on have no VNC, which is said, and nothing is set", { skip }, async () => {
  await using world = await startWorld("vnc", ["-version=7.0.3", "-host-version=7.0.1"]);
  const { machines, front, settings } = world;
  const [machine] = machines;
  assert.ok(machine !== undefined);

  assert.match(
    await world.refusal(machine),
    /^upstream_refused vSphere: the machine's host is of version 7\.0\.1, and hosts have no VNC from 7\.0 on/,
  );

  assert.ok(!front.calls.includes("ReconfigVM_Task"));
  assert.deepEqual([await settings(machine), await world.ports(), await world.leases()], [{}, [], []]);
});

test("where both are allowed it is WebMKS where there is that, which sets nothing, and VNC where there is none", {
  skip,
}, async () => {
  await using newer = await startWorld("both");
  await using older = await startWorld("both", ["-version=6.7", "-host"]);
  const [there, here] = [newer.machines[0], older.machines[0]];
  assert.ok(there !== undefined && here !== undefined);

  // vCenter's console proxy is at another port here than a vCenter has.
  await newer.refusal(there);
  const byVnc = await older.look(here);

  assert.ok(newer.front.calls.includes("AcquireCloneTicket"));
  assert.ok(!newer.front.calls.includes("ReconfigVM_Task"));
  assert.equal((await older.settings(here))["enabled"], "true");
  await byVnc.leave();
});

test("what cannot be set is told, and what cannot be taken back is tried again", { skip }, async () => {
  await using world = await startWorld("vnc");
  const { machines, front, settings, control, look } = world;
  const [machine] = machines;
  assert.ok(machine !== undefined);
  front.on("ReconfigVM_Task", () => NO_PERMISSION);

  assert.equal(
    await world.refusal(machine),
    "upstream_refused vSphere: the account lacks the privilege VirtualMachine.Config.AdvancedConfig",
  );

  front.on("ReconfigVM_Task", (real) => real);
  assert.equal((await world.leases()).length, 1, "nobody knows that nothing was set");
  control.clock.advance(60_000);
  await control.leases.settle();
  assert.deepEqual([await world.ports(), await world.leases()], [[], []]);
  assert.deepEqual(await settings(machine), { enabled: "false" });
  let isBusy = true;
  front.on("ReconfigVM_Task", (real) => {
    const said = isBusy ? TASK_IN_PROGRESS : real;
    isBusy = false;
    return said;
  });
  const looking = await eventually(async () => await look(machine));
  await looking.leave();
});

const fault = (name: string, detail: string) =>
  `<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body><soapenv:Fault><faultcode>ServerFaultCode</faultcode><faultstring></faultstring><detail><${name}Fault xmlns="urn:vim25" xsi:type="${name}">${detail}</${name}Fault></detail></soapenv:Fault></soapenv:Body></soapenv:Envelope>`;
const NO_PERMISSION = fault(
  "NoPermission",
  "<privilegeId>VirtualMachine.Config.AdvancedConfig</privilegeId>",
);
const TASK_IN_PROGRESS = fault("TaskInProgress", "");
