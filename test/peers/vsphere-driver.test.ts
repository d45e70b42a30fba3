import assert from "node:assert/strict";
import { hash, randomUUID } from "node:crypto";
import { test } from "node:test";
import { Secret } from "#base/secret.ts";
import type { ConsolePorts } from "#hypervisors/console-ports.ts";
import type { DriverMachine } from "#hypervisors/driver.ts";
import { VsphereClient } from "#hypervisors/vsphere/client.ts";
import { createVsphereDriver } from "#hypervisors/vsphere/driver.ts";
import { findMachine } from "#hypervisors/vsphere/machines.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import { hypervisorConformance } from "../conformance/drivers.ts";
import { eventually } from "../harness/eventually.ts";
import { startTestNode } from "../harness/test-node.ts";
import { refusal, TestViewer } from "../harness/test-viewer.ts";
import { lackingQemu, startQemu } from "./qemu.ts";
import { ACCOUNT, lackingVcsim as skip, startVcsim } from "./vcsim.ts";
import { startVsphereFront } from "./vsphere-front.ts";

const { signal } = new AbortController();

hypervisorConformance(
  "vsphere",
  async () => {
    await using opened = new AsyncDisposableStack();
    const vcsim = opened.use(await startVcsim());
    const driver = opened.use(createVsphereDriver(vcsim.access));
    const [first] = await driver.list(signal);
    assert.ok(first !== undefined);
    const machine = machineAt(first.address);
    const owned = opened.move();
    return {
      ...{ driver, machine, name: first.name, absent: randomUUID(), wrongAddress: "vm-42" },
      stop: async () => {
        await driver.power(first.address, "cut", signal);
        return machine;
      },
      [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
    };
  },
  skip,
);

test("vsphere: an ESXi host by itself is asked as a vCenter is, and known by where it is", {
  skip,
}, async () => {
  await using vcsim = await startVcsim({ args: ["-host"] });
  await using driver = createVsphereDriver(vcsim.access);

  const [machine] = await driver.list(signal);

  assert.equal(machine?.power, "running");
  const { address } = await driver.resolve(machineAt(machine.address));
  assert.equal(address.kind, "websocket");
  assert.match(await driver.identity(signal), /^HostAgent /);
});

test("vsphere: versions are compared as numbers, so that 10.0 is none before 7.0", { skip }, async () => {
  for (const [version, args, opens] of [
    ["5.1", [], undefined],
    ["5.5", [], "/console/authd"],
    ["6.7.3", [], "/console/authd"],
    ["6.7.3", ["-host"], undefined],
    ["7.0", [], "/ticket/"],
    ["10.0.0.1", [], "/ticket/"],
  ] as const) {
    await using vcsim = await startVcsim({ args: [`-version=${version}`, ...args] });
    await using driver = createVsphereDriver(vcsim.access);
    const [machine] = await driver.list(signal);
    assert.ok(machine !== undefined);

    const asked = driver.resolve(machineAt(machine.address));

    if (opens === undefined) {
      await assert.rejects(asked, { code: "upstream_refused", detail: /has no WebMKS/ });
      continue;
    }
    const { address } = await asked;
    assert.ok(address.kind === "websocket" && address.path.startsWith(opens), version);
    if (opens === "/console/authd") assert.equal(address.port, 7343);
  }
});

test("vsphere: a vCenter before 7.0 opens consoles itself, by a ticket that is good once", {
  skip: skip || lackingQemu,
}, async () => {
  await using qemu = await startQemu({ screen: {} });
  const screen = { host: qemu.host, port: qemu.ports.screen };
  await using vcsim = await startVcsim({ screen, args: ["-version=6.7"] });
  const { access, authority, consolePort: consoleProxyPort } = vcsim;
  await using driver = createVsphereDriver(access, { consoleProxyPort });
  const [machine] = await driver.list(signal);
  assert.ok(machine !== undefined);

  const { address, tls } = await driver.resolve(machineAt(machine.address));

  assert.ok(address.kind === "websocket" && address.isTicket === true);
  assert.deepEqual(tls, { mode: "verify", serverName: "127.0.0.1", ca: authority.pem });
  const url = `wss://${address.host}:${address.port}${address.path}`;
  const options = { protocols: ["binary"], ca: authority.pem };
  await using viewer = await TestViewer.connect(url, options);
  await eventually(() => assert.match(viewer.bytes.toString("latin1"), /^RFB 003\.008\n/));
  assert.equal((await refusal(url, options)).status, 403);
  // A node opens the next one.
  await using node = await startTestNode();
  const upstream = await driver.resolve(machineAt(machine.address));
  const { ticket } = await node.control.issue({ upstream });
  await using shown = await TestViewer.bare(node.origin, ticket);
  await shown.handshake();
  assert.equal(shown.closed, undefined);
});

test("vsphere: a certificate is known by its authority or its pin, and nobody else is told the password", {
  skip,
}, async () => {
  await using vcsim = await startVcsim();
  const { access, server } = vcsim;
  const pinOf = (algorithm: "sha1" | "sha256") =>
    `${algorithm}:${hash(algorithm, Buffer.from(server.certificate.rawData), "hex")}`;
  for (const pin of [pinOf("sha1"), pinOf("sha256")]) {
    await using driver = createVsphereDriver({ ...access, trust: { pin } });
    assert.ok((await driver.list(signal)).length > 0);
  }
  for (const trust of [{}, { pin: `sha256:${"0".repeat(64)}` }]) {
    await using driver = createVsphereDriver({ ...access, trust });
    await assert.rejects(driver.list(signal), { code: "upstream_refused", detail: "vSphere: tls" });
  }
});

test("vsphere: a password that is not accepted is said once, however many ask", { skip }, async () => {
  await using vcsim = await startVcsim();
  await using front = await startVsphereFront(vcsim);
  await using driver = createVsphereDriver({ ...front.access, secret: new Secret("verraten") });

  for (let time = 0; time < 3; time++) {
    const asked = await Promise.allSettled([1, 2, 3].map(async () => await driver.list(signal)));
    for (const each of asked) {
      assert.ok(each.status === "rejected" && each.reason instanceof GatewayError);
      assert.equal(each.reason.detail, "vSphere: credentials");
      assert.doesNotMatch(JSON.stringify([String(each.reason), String(each.reason.cause)]), /verraten/);
    }
  }

  assert.equal(front.calls.filter((method) => method === "Login").length, 1);
});

test("vsphere: a session that has ended is begun anew, once for all who find out", { skip }, async () => {
  await using vcsim = await startVcsim();
  await using front = await startVsphereFront(vcsim);
  await using driver = createVsphereDriver(front.access);
  const [machine] = await driver.list(signal);
  assert.ok(machine !== undefined);
  const before = front.calls.filter((method) => method === "Login").length;
  let isOver = true;
  front.on("FindByUuid", (real) => {
    const over = isOver;
    isOver = false;
    return over ? NOT_AUTHENTICATED : real;
  });

  const found = await Promise.all([1, 2, 3].map(async () => await driver.find(machine.address, signal)));

  assert.ok(found.every((each) => each?.name === machine.name));
  assert.equal(front.calls.filter((method) => method === "Login").length, before + 1);
});

test("vsphere: a server that lets nobody stay signed in is asked twice and no more", { skip }, async () => {
  await using vcsim = await startVcsim();
  await using front = await startVsphereFront(vcsim);
  await using driver = createVsphereDriver(front.access);
  front.on("FindByUuid", () => NOT_AUTHENTICATED);

  await assert.rejects(driver.find(randomUUID(), signal), { code: "upstream_refused" });

  assert.equal(front.calls.filter((method) => method === "FindByUuid").length, 2);
  assert.equal(front.calls.filter((method) => method === "Login").length, 2);
  assert.ok(!JSON.stringify(front.calls).includes(ACCOUNT.secret));
});

test("vsphere: VNC of a machine that is deleted just as it is closed is given back", { skip }, async () => {
  await using vcsim = await startVcsim();
  await using front = await startVsphereFront(vcsim);
  const freed: string[] = [];
  // Of all that keeps ports, nothing else is asked for.
  const ports = {
    leave: async () => "closing",
    free: async (machine: string) => void freed.push(machine),
  } as unknown as ConsolePorts;
  await using driver = createVsphereDriver({ ...front.access, consoles: "vnc", ports });
  const [machine] = await driver.list(signal);
  assert.ok(machine !== undefined);
  front.on("ReconfigVM_Task", () =>
    NOT_AUTHENTICATED.replaceAll("NotAuthenticated", "ManagedObjectNotFound"),
  );

  await driver.release?.(new Secret(machine.address), signal);

  assert.deepEqual(freed, [machine.address]);
});

test("vsphere: who only looks where a console is takes no ticket", { skip }, async () => {
  await using vcsim = await startVcsim();
  await using front = await startVsphereFront(vcsim);
  await using driver = createVsphereDriver(front.access);
  const [machine] = await driver.list(signal);
  assert.ok(machine !== undefined);
  const taken = () => front.calls.filter((method) => method === "AcquireTicket").length;

  assert.equal(await driver.look?.(machineAt(machine.address)), undefined);
  assert.equal(taken(), 0);
  await driver.resolve(machineAt(machine.address));

  assert.equal(taken(), 1);
});

test("vsphere: a machine that goes just as it is looked at is not there, and nothing is amiss", {
  skip,
}, async () => {
  await using vcsim = await startVcsim();
  await using front = await startVsphereFront(vcsim);
  await using driver = createVsphereDriver(front.access);
  const [machine] = await driver.list(signal);
  assert.ok(machine !== undefined);
  front.on("RetrievePropertiesEx", () =>
    NOT_AUTHENTICATED.replaceAll("NotAuthenticated", "ManagedObjectNotFound"),
  );

  assert.equal(await driver.find(machine.address, signal), undefined);
  await assert.rejects(driver.check(machineAt(machine.address)), { code: "machine_gone" });
});

test("vsphere: a thousand machines are listed, and a template is none of them", { skip }, async () => {
  await using vcsim = await startVcsim({ args: ["-machines=500"] });
  await using client = new VsphereClient(vcsim.access);
  await using driver = createVsphereDriver(vcsim.access);

  const [first, ...others] = await driver.list(signal);
  assert.ok(first !== undefined);
  await driver.power(first.address, "cut", signal);
  const found = await findMachine(client, { address: first.address, signal });
  assert.ok(found !== undefined);
  await client.ask({ method: "MarkAsTemplate", target: found.object }, signal);

  assert.equal(others.length, 999);
  assert.deepEqual(
    (await driver.list(signal)).map(({ address }) => address).sort(),
    others.map(({ address }) => address).sort(),
  );
  assert.equal(await driver.find(first.address, signal), undefined);
});

test("vsphere: who may only look orders nothing", { skip }, async () => {
  await using vcsim = await startVcsim();
  await using driver = createVsphereDriver({ ...vcsim.access, isReadOnly: true });
  const [machine] = await driver.list(signal);
  assert.ok(machine !== undefined);

  await assert.rejects(driver.power(machine.address, "cut", signal), { detail: "vSphere: rights" });

  assert.equal((await driver.find(machine.address, signal))?.power, "running");
});

test("vsphere: orders that do not fit are refused, and those that do are carried out", { skip }, async () => {
  await using vcsim = await startVcsim();
  await using driver = createVsphereDriver(vcsim.access);
  const [machine] = await driver.list(signal);
  assert.ok(machine !== undefined);
  const { address } = machine;

  await assert.rejects(driver.power(address, "start", signal), { code: "machine_not_running" });
  for (const action of ["restart", "reset", "stop"] as const) await driver.power(address, action, signal);

  assert.equal((await driver.find(address, signal))?.power, "stopped");
});

/** As vCenter says it to a session that it does not know. */
const NOT_AUTHENTICATED =
  '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body><soapenv:Fault><faultcode>ServerFaultCode</faultcode><faultstring>The session is not authenticated.</faultstring><detail><NotAuthenticatedFault xmlns="urn:vim25" xsi:type="NotAuthenticated"><object type="Folder">group-d1</object><privilegeId>System.View</privilegeId></NotAuthenticatedFault></detail></soapenv:Fault></soapenv:Body></soapenv:Envelope>';

function machineAt(address: string): DriverMachine {
  return { id: randomUUID(), protocol: "rfb", address, password: undefined, state: "running" };
}
