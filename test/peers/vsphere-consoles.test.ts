import assert from "node:assert/strict";
import { test } from "node:test";
import type { ConsoleOptions } from "#control/services.ts";
import { VsphereClient } from "#hypervisors/vsphere/client.ts";
import { findMachine } from "#hypervisors/vsphere/machines.ts";
import { ofView, requireReference, retrieve } from "#hypervisors/vsphere/properties.ts";
import { type Reference, reference } from "#hypervisors/vsphere/soap.ts";
import { child } from "#hypervisors/vsphere/xml.ts";
import type { Machine } from "#wire/api.ts";
import type { ErrorCode } from "#wire/errors.ts";
import { eventually } from "../harness/eventually.ts";
import { startFleet } from "../harness/test-fleet.ts";
import { captureLog } from "../harness/test-node.ts";
import { refusal, TestViewer, webSocketUrl } from "../harness/test-viewer.ts";
import { endingOf, INTO_DEFAULT, machines, open, picture, record } from "./hypervisor-stage.ts";
import { lackingQemu, startQemu } from "./qemu.ts";
import { ACCOUNT, lackingVcsim, startVcsim } from "./vcsim.ts";
import { startVsphereFront } from "./vsphere-front.ts";

const skip = lackingVcsim || lackingQemu;
const { signal } = new AbortController();

/** A fleet that has the machines of a simulator, all of which show one QEMU. */
async function startWorld(args: readonly string[] = []) {
  await using opened = new AsyncDisposableStack();
  const qemu = opened.use(await startQemu({ screen: {} }));
  const vcsim = opened.use(await startVcsim({ screen: { host: qemu.host, port: qemu.ports.screen }, args }));
  const front = opened.use(await startVsphereFront(vcsim));
  const client = opened.use(new VsphereClient(vcsim.access));
  const log = captureLog();
  const fleet = opened.use(await startFleet({ log: log.logger }));
  const node = await fleet.start();
  const { control } = fleet;
  const { id } = await control.services.hypervisors.add(control.admin, {
    ...{ name: "vcenter", platform: "vsphere", address: front.address, rules: INTO_DEFAULT },
    credentials: { ...ACCOUNT, caCertificate: vcsim.authority.pem },
  });
  const driver = await control.driverPool.driverOf(id);
  await control.inventory.takeAll(id, await driver.list(signal));
  const [machine] = await machines(control);
  assert.ok(machine !== undefined);
  const owned = opened.move();
  return {
    ...{ fleet, node, control, client, front, vcsim, driver, machine },
    /** All that is written down anywhere, and that people are told. */
    written: async () => {
      const { db } = control.store;
      const rows = [
        await db.selectFrom("sessions").selectAll().execute(),
        await db.selectFrom("hypervisors").selectAll().execute(),
        await db.selectFrom("audit").selectAll().execute(),
      ];
      return [log.text(), node.log(), JSON.stringify([...rows, await machines(control)])].join("\n");
    },
    /** What becomes of a console of the machine: "open", or why not. */
    outcome: async () => {
      const { sessionId, ticket } = await open(fleet, machine);
      try {
        await using _viewer = await picture(node, ticket);
        return "open";
      } catch {
        return await endingOf(control, sessionId);
      }
    },
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}

async function objectOf(client: VsphereClient, { address }: Machine) {
  const found = await findMachine(client, { address: address ?? "", signal });
  assert.ok(found !== undefined);
  return found.object;
}

test("a console opens by a ticket that its host takes once, and nobody is told what it is", {
  skip,
}, async () => {
  await using world = await startWorld();
  const { fleet, node, front, machine, driver, vcsim } = world;
  const { ticket } = await open(fleet, machine);

  await using viewer = await picture(node, ticket);

  assert.equal(viewer.closed, undefined);
  const { address } = await driver.resolve(record(machine.address ?? ""));
  assert.ok(address.kind === "websocket" && address.subprotocol === "binary");
  const url = `${webSocketUrl(`https://${address.host}:${address.port}`)}${address.path}`;
  const options = { protocols: ["binary"], ca: vcsim.authority.pem };
  await (await TestViewer.connect(url, options))[Symbol.asyncDispose]();
  assert.equal((await refusal(url, options)).status, 404, "it is good once");
  assert.ok(front.secrets.size >= 3, "a session and two tickets");
  // No setting of VNC is touched, no port given out, no lock held.
  const { db } = world.control.store;
  const ports = await db.selectFrom("console_ports").selectAll().execute();
  const leases = await db.selectFrom("console_leases").selectAll().execute();
  assert.deepEqual([ports, leases, front.calls.includes("ReconfigVM_Task")], [[], [], false]);
  await keepsSecrets(world);
});

test("a host that is not the one of the ticket is told nothing", { skip }, async () => {
  await using another = await startWorld(["-thumbprint=other"]);
  await using silent = await startWorld(["-thumbprint=none"]);

  assert.equal(await another.outcome(), "upstream_certificate_changed");
  assert.equal(await silent.outcome(), "upstream_refused");
});

test("a machine that has moved or stopped when the node comes is told as that, and opens again where it is", {
  skip,
}, async () => {
  await using world = await startWorld();
  const { client, front, machine, outcome } = world;
  const object = await objectOf(client, machine);
  const meanwhile = { do: async () => {} };
  front.on("AcquireTicket", async (real) => {
    await meanwhile.do();
    meanwhile.do = async () => {};
    return real;
  });

  let moved = 0;
  for (const host of await hostsOf(client)) {
    meanwhile.do = async () => {
      await client.ask(
        { method: "RelocateVM_Task", target: object, parameters: `<spec>${reference("host", host)}</spec>` },
        signal,
      );
    };
    if ((await outcome()) === "upstream_ticket_refused") moved++;
    assert.equal(await outcome(), "open");
  }
  assert.ok(moved >= 1, "one of them is another one than it was on");
  meanwhile.do = async () => void (await client.ask({ method: "PowerOffVM_Task", target: object }, signal));
  assert.equal(await outcome(), "upstream_ticket_refused");
});

test("a host that has as many consoles open as it takes is told as that", { skip }, async () => {
  await using world = await startWorld(["-consoles=1"]);
  const { fleet, node, machine, outcome } = world;
  const { ticket } = await open(fleet, machine);
  await using first = await picture(node, ticket);

  assert.equal(await outcome(), "upstream_consoles_exhausted");
  assert.equal(first.closed, undefined);
});

test("what a vCenter does not say as a vSphere does opens nothing, and is told without its words", {
  skip,
}, async () => {
  await using world = await startWorld();
  const { front, outcome } = world;
  const said: Readonly<Record<string, (real: string) => string>> = {
    "a ticket that leads elsewhere": (real) => real.replace(/<ticket>[^<]+/, "<ticket>../sdk?x="),
    "a host that is none": (real) => real.replace(/<host>[^<]+/, "<host>a b"),
    "a port that is none": (real) => real.replace(/<port>[^<]+/, "<port>0"),
    "another answer": (real) => real.replaceAll("AcquireTicketResponse", "LoginResponse"),
    "half of it": (real) => real.slice(0, real.length / 2),
    "a document type": (real) => real.replace("?>", '?><!DOCTYPE a [<!ENTITY b "c">]>'),
    "a page": () => "<!doctype html><title>It works</title>",
  };
  for (const [title, change] of Object.entries(said)) {
    front.on("AcquireTicket", change);
    assert.equal(await outcome(), "upstream_refused", title);
  }
  front.on("AcquireTicket", (real) => real);
  assert.equal(await outcome(), "open");
  await keepsSecrets(world, /what it says cannot be used/);
});

test("forty consoles of one machine are open at once in one session at vCenter, by a ticket each, and the next is told why not", {
  skip,
}, async () => {
  await using world = await startWorld();
  const { fleet, node, front, machine, outcome } = world;
  await using viewers = new AsyncDisposableStack();
  const before = front.calls.length;

  const opened = await Promise.all(
    Array.from({ length: 40 }, async () => {
      const { ticket } = await open(fleet, machine);
      return viewers.use(await picture(node, ticket));
    }),
  );

  assert.ok(opened.every(({ closed }) => closed === undefined));
  assert.equal(front.calls.filter((method) => method === "Login").length, 1);
  const counted = (method: string) => front.calls.slice(before).filter((each) => each === method).length;
  assert.equal(counted("AcquireTicket"), 40);
  assert.equal(await outcome(), "upstream_consoles_exhausted");
  await opened[0]?.[Symbol.asyncDispose]();
  await eventually(async () => assert.equal(await outcome(), "open"));
  await keepsSecrets(world, /upstream_consoles_exhausted/);
});

test("VMware's own library gets the bytes of the host as they are, and what it says goes there unread", {
  skip,
}, async () => {
  await using world = await startWorld();
  const { fleet, node, machine, control } = world;
  const { admin, services } = control;
  const webmks = { machineId: machine.id, api: "native", protocol: "webmks" } as const;
  const { sessionId, ticket } = await services.consoles.open(admin, webmks);

  await using viewer = await TestViewer.bare(node.origin, ticket);

  await eventually(() => assert.equal(viewer.bytes.toString("latin1"), "RFB 003.008\n"));
  viewer.send(Buffer.from("RFB 003.008\n"));
  // 1 number-of-security-types, 1 None: the host's own, and not the node's
  await eventually(() => assert.deepEqual([...viewer.bytes.subarray(12)], [1, 1]));
  viewer.send(Uint8Array.of(1));
  await eventually(() => assert.deepEqual([...viewer.bytes.subarray(14)], [0, 0, 0, 0]));
  // RFC 6143 §7.3.1: shared
  viewer.send(Uint8Array.of(1));
  // The name of the screen, where by RFB it is what the machine is called here.
  await eventually(() => assert.match(viewer.bytes.subarray(18).toString("latin1"), /QEMU$/));
  assert.equal((await services.sessions.get(admin, sessionId)).protocol, "webmks");
  // A message of VMware's, which QEMU does not know and hangs up at.
  viewer.send(Uint8Array.of(127, 0, 0, 8, 0, 0, 0, 0));
  assert.equal(await endingOf(control, sessionId), "upstream_closed");
  const rfb = await open(fleet, machine);
  const other = await picture(node, rfb.ticket);
  other.send(Uint8Array.of(127, 0, 0, 8, 0, 0, 0, 0));
  assert.equal(await endingOf(control, rfb.sessionId), "viewer_protocol_error");
});

test("what passes unread is opened neither to look at alone nor where there is no WebMKS", {
  skip,
}, async () => {
  await using world = await startWorld();
  const { machine, control } = world;
  const { admin, services } = control;
  const asked = { machineId: machine.id, api: "native", protocol: "webmks" } as const;
  const refused = async (
    options: ConsoleOptions,
    error: { readonly code: ErrorCode; readonly detail?: RegExp },
  ) => await assert.rejects(services.consoles.open(admin, options), error);
  const unread = { code: "request_invalid", detail: /passed through unread/ } as const;

  await refused({ ...asked, viewOnly: true }, unread);
  await refused({ ...asked, purpose: "thumbnail" }, unread);
  const [hypervisor] = await services.hypervisors.list(admin);
  await services.hypervisors.update(admin, hypervisor?.id ?? "", { consoles: "vnc" });
  await refused(asked, { code: "console_unavailable" });
  const { id: byHand } = await control.machine();
  await refused({ ...asked, machineId: byHand }, { code: "console_unavailable" });

  assert.deepEqual(await control.store.db.selectFrom("sessions").selectAll().execute(), []);
});

/** What sessions and tickets are is nowhere, and neither is the password. The logs are there to be looked into. */
async function keepsSecrets(
  { front, written }: Awaited<ReturnType<typeof startWorld>>,
  told?: RegExp,
): Promise<void> {
  const all = await written();
  if (told !== undefined) assert.match(all, told);
  for (const secret of [...front.secrets, ACCOUNT.secret]) assert.ok(!all.includes(secret));
}

async function hostsOf(client: VsphereClient): Promise<readonly Reference[]> {
  const root = await client.object("rootFolder", signal);
  const parameters = `${reference("container", root)}<type>HostSystem</type><recursive>true</recursive>`;
  const made = await client.ask({ method: "CreateContainerView", target: "viewManager", parameters }, signal);
  const view = requireReference(child(made, "returnval"));
  return (await retrieve(client, ofView(view, "HostSystem", ["name"]), signal)).map(({ object }) => object);
}
