import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { test } from "node:test";
import type { NewMachineTls } from "#wire/machine-security.ts";
import type { TestCertificate } from "../harness/test-certificates.ts";
import { startFleet } from "../harness/test-fleet.ts";
import { add, endingOf, INTO_DEFAULT, machineOf, open, picture, qemuAt, record } from "./hypervisor-stage.ts";
import { lackingLibvirt as skip, startLibvirt } from "./libvirt.ts";
import { define, qemuDomain } from "./libvirt-domains.ts";
import { createPki, type Pki, SERVER_NAME } from "./pki.ts";

const { signal } = new AbortController();

test("a console by TLS is opened where the hypervisor's certificate is the right one, and not otherwise", {
  skip,
}, async () => {
  const pki = await createPki();
  const { authority, stranger } = pki;
  await using host = await startTlsHost(pki, "");
  const { control, id, judged } = host;
  const verify = { mode: "verify", serverName: SERVER_NAME } as const;

  assert.equal(await judged({ ...verify, ca: authority.pem }), "open");
  assert.equal(await judged({ ...verify, ca: stranger.pem }), "upstream_certificate_unknown");
  assert.equal(await judged({ mode: "verify", ca: authority.pem }), "upstream_certificate_name");
  assert.equal(await judged(null), "upstream_tls_needed");
  await assert.rejects(
    control.services.hypervisors.update(control.admin, id, { consoleTls: { mode: "pin" } }),
    {
      code: "request_invalid",
    },
  );
});

test("a hypervisor that asks nodes for a certificate is shown the one that is on record of it", {
  skip,
}, async () => {
  const pki = await createPki();
  await using host = await startTlsHost(pki, "vnc_tls_x509_verify = 1\n");
  const verify = { mode: "verify", serverName: SERVER_NAME, ca: pki.authority.pem } as const;
  const shown = ({ pem, keyPem }: TestCertificate) => ({ clientCertificate: pem, clientKey: keyPem });

  assert.equal(await host.judged({ ...verify, ...shown(pki.client) }), "open");
  assert.equal(await host.judged({ ...verify, ...shown(pki.foreignClient) }), "upstream_client_certificate");
  assert.equal(await host.judged(verify), "upstream_client_certificate");
});

/** A libvirt whose machines' VNC takes TLS alone, and what becomes of a console by what is said of it. */
async function startTlsHost({ authority, server }: Pki, qemuSettings: string) {
  await using opened = new AsyncDisposableStack();
  const libvirt = opened.use(
    await startLibvirt({
      files: { "ca-cert.pem": authority.pem, "server-cert.pem": server.pem, "server-key.pem": server.keyPem },
      qemuSettings: `vnc_tls = 1\nvnc_tls_x509_cert_dir = "FOLDER"\n${qemuSettings}`,
    }),
  );
  const fleet = opened.use(await startFleet());
  const node = await fleet.start();
  const { control } = fleet;
  const uuid = randomUUID();
  await define(libvirt, qemuDomain(uuid, "<graphics type='vnc' autoport='yes' listen='127.0.0.1'/>"));
  await libvirt.virsh("start", uuid);
  const id = await add(control, { name: "host7", address: qemuAt(libvirt) });
  const driver = await control.driverPool.driverOf(id);
  await control.inventory.takeAll(id, await driver.list(signal));
  const machine = await machineOf(control, uuid, {});
  const judged = async (consoleTls: NewMachineTls | null) => {
    await control.services.hypervisors.update(control.admin, id, { consoleTls });
    const { sessionId, ticket } = await open(fleet, machine);
    try {
      await using _ = await picture(node, ticket);
      return "open";
    } catch {
      return await endingOf(control, sessionId);
    }
  };
  const owned = opened.move();
  return { control, id, judged, [Symbol.asyncDispose]: async () => await owned.disposeAsync() };
}

test("each session has a VNC password with an end, those who come together share it, and the definition's opens nothing", {
  skip,
}, async () => {
  await using libvirt = await startLibvirt();
  await using fleet = await startFleet();
  const node = await fleet.start();
  const { control } = fleet;
  const [ready, unready, lasting] = [randomUUID(), randomUUID(), randomUUID()];
  const vnc = (more: string) => `<graphics type='vnc' autoport='yes' listen='127.0.0.1'${more}/>`;
  await define(libvirt, qemuDomain(ready, vnc(" passwd='forever'")));
  await define(libvirt, qemuDomain(unready, vnc("")));
  await define(libvirt, qemuDomain(lasting, vnc(" passwd='forever' passwdValidTo='2099-01-01T00:00:00'")));
  for (const uuid of [ready, unready, lasting]) await libvirt.virsh("start", uuid);
  const host = { name: "host7", platform: "libvirt", address: qemuAt(libvirt), rules: INTO_DEFAULT } as const;
  const { hypervisors } = control.services;
  await assert.rejects(hypervisors.add(control.admin, { ...host, sessionPasswords: true, readOnly: true }), {
    code: "request_invalid",
  });
  const { id } = await hypervisors.add(control.admin, { ...host, sessionPasswords: true });
  const driver = await control.driverPool.driverOf(id);
  await control.inventory.takeAll(id, await driver.list(signal));
  const machine = await machineOf(control, ready, {});
  const graphics = async (uuid: string, ...more: readonly string[]) =>
    /<graphics[^>]*>/.exec(await libvirt.virsh("dumpxml", uuid, "--security-info", ...more))?.[0] ?? "";

  const first = await open(fleet, machine);
  const second = await open(fleet, machine);
  await using one = await picture(node, first.ticket);
  const inForce = await graphics(ready);
  const resolved = await Promise.all([1, 2, 3].map(async () => await driver.resolve(record(ready))));
  await using two = await picture(node, second.ticket);

  const [, password = "", end = ""] = /passwd='([^']*)' passwdValidTo='([^']*)'/.exec(inForce) ?? [];
  assert.notEqual(password, "forever");
  assert.equal(password.length, 8);
  assert.ok(Date.parse(`${end}Z`) > Date.now(), end);
  // Where the minute has turned meanwhile, all three have the next one.
  assert.equal(new Set(resolved.map((upstream) => upstream.password)).size, 1);
  assert.match(await graphics(ready, "--inactive"), /passwdValidTo='1970-01-01T00:00:01'/);
  assert.deepEqual([one.closed, two.closed], [undefined, undefined]);

  const { password: own } = await driver.resolve(record(lasting));
  assert.notEqual(own, "forever", "an end in many years is none of a session's");
  assert.doesNotMatch(await graphics(lasting), /2099/);

  const { sessionId, ticket } = await open(fleet, await machineOf(control, unready, {}));
  await assert.rejects(picture(node, ticket));
  assert.equal(await endingOf(control, sessionId), "upstream_refused");
  await libvirt.virsh("destroy", unready);
  await libvirt.virsh("start", unready);
  const restarted = await open(fleet, await machineOf(control, unready, {}));
  await using _ = await picture(node, restarted.ticket);
});

test("a VNC on a UNIX socket of a libvirt that is on the node's machine opens", { skip }, async () => {
  await using libvirt = await startLibvirt();
  await using fleet = await startFleet();
  const { control } = fleet;
  await control.services.settings.set(control.admin, "upstream.allow", `unix:${libvirt.home}/*`);
  const node = await fleet.start();
  const [chosen, named] = [randomUUID(), randomUUID()];
  const path = join(libvirt.logs, "vnc.sock");
  await define(libvirt, qemuDomain(named, `<graphics type='vnc' socket='${path}'/>`));
  // libvirt chooses the path.
  await define(libvirt, qemuDomain(chosen, "<graphics type='vnc'><listen type='socket'/></graphics>"));
  for (const uuid of [named, chosen]) await libvirt.virsh("start", uuid);
  const id = await add(control, { name: "host7", address: qemuAt(libvirt) });
  const driver = await control.driverPool.driverOf(id);
  await control.inventory.takeAll(id, await driver.list(signal));

  for (const uuid of [named, chosen]) {
    const { ticket } = await open(fleet, await machineOf(control, uuid, {}));
    await using viewer = await picture(node, ticket);
    assert.equal(viewer.closed, undefined);
  }

  const { address } = await driver.resolve({ ...record(named), hypervisorId: id });
  assert.deepEqual(address, { kind: "unix", path });
});
