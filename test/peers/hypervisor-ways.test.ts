import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { followHypervisors } from "#control/hypervisors/follow-all.ts";
import type { NewHypervisor } from "#wire/hypervisors.ts";
import { LOOPBACK } from "../harness/free-port.ts";
import { ExtendedKeyUsage, testCertificate } from "../harness/test-certificates.ts";
import { startFleet } from "../harness/test-fleet.ts";
import { endingOf, INTO_DEFAULT, machineOf, open, PATIENT, picture, stopping } from "./hypervisor-stage.ts";
import { type Libvirt, lackingLibvirt, startLibvirt } from "./libvirt.ts";
import { define, qemuDomain } from "./libvirt-domains.ts";
import { startTlsLibvirt } from "./libvirt-tls.ts";
import { lackingSshd, startSshd } from "./sshd.ts";

/** Wherever the hypervisor is: a node has to dial the host that stands in its address. */
const VNC = "<graphics type='vnc' autoport='yes' listen='0.0.0.0'/>";

/** A libvirt, and how control gets to it. */
interface Way extends AsyncDisposable {
  readonly libvirt: Libvirt;
  readonly access: Pick<NewHypervisor, "address" | "credentials">;
}

for (const { name, start, skip } of [
  { name: "SSH", start: bySsh, skip: lackingLibvirt || lackingSshd },
  { name: "TLS", start: byTls, skip: lackingLibvirt },
])
  test(`a machine of a libvirt by ${name} comes, shows its screen, opens, and ends as it is cut off there`, {
    skip,
  }, async () => {
    await using way = await start();
    await using fleet = await startFleet();
    const node = await fleet.start({ deadlines: PATIENT });
    const { control } = fleet;
    const { services, admin } = control;
    const uuid = randomUUID();
    await define(way.libvirt, qemuDomain(uuid, VNC, "web"));
    await services.hypervisors.add(admin, {
      ...{ name: "host7", platform: "libvirt", rules: INTO_DEFAULT },
      ...way.access,
    });
    const following = followHypervisors(control);
    await using _ = stopping(following);
    const machine = await machineOf(control, uuid, { power: "stopped" });

    await services.machines.power(admin, machine.id, "start");
    await machineOf(control, uuid, { power: "running" });
    const { ticket, sessionId } = await open(fleet, machine);
    await using viewer = await picture(node, ticket);
    const screen = await services.machines.screenshot(admin, machine.id);
    await services.machines.power(admin, machine.id, "cut");

    await viewer.untilClosed();
    assert.equal(await endingOf(control, sessionId), "machine_not_running");
    assert.deepEqual([screen.mediaType, screen.bytes.length > 0], ["image/png", true]);
  });

test("a libvirt by TLS whose authority nobody named is told by the option that names it", {
  skip: lackingLibvirt,
}, async () => {
  await using way = await byTls();
  await using fleet = await startFleet();
  const { services, admin } = fleet.control;
  const { address, credentials } = way.access;
  const { caCertificate: _, ...withoutAuthority } = credentials ?? {};
  const named = { name: "host7", platform: "libvirt", address } as const;
  const { id } = await services.hypervisors.add(admin, { ...named, credentials: withoutAuthority });

  const { ok, failedStep, detail = "" } = await services.hypervisors.test(admin, id);

  assert.deepEqual([ok, failedStep], [false, "tls"]);
  assert.match(detail, /nobody who is trusted here has signed its certificate .*--ca-file/);
  assert.doesNotMatch(detail, /use-system-ca/);
});

async function bySsh(): Promise<Way> {
  await using opened = new AsyncDisposableStack();
  const libvirt = opened.use(await startLibvirt());
  const sshd = opened.use(await startSshd());
  const owned = opened.move();
  return {
    libvirt,
    access: {
      address: `qemu+ssh://${sshd.user}@${LOOPBACK}:${sshd.port}/session?socket=${libvirt.socket}`,
      credentials: { sshKey: sshd.key, sshKnownHosts: sshd.knownHosts },
    },
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}

async function byTls(): Promise<Way> {
  const authority = await testCertificate({ commonName: "libvirt" });
  const server = await testCertificate({ names: [LOOPBACK], issuer: authority });
  const usages = [ExtendedKeyUsage.clientAuth];
  const client = await testCertificate({ names: ["porthole"], issuer: authority, usages });
  const libvirt = await startTlsLibvirt(authority, server);
  return {
    libvirt,
    access: {
      address: `qemu+tls://${LOOPBACK}:${libvirt.port}/session`,
      credentials: {
        caCertificate: authority.pem,
        clientCertificate: client.pem,
        clientKey: client.keyPem,
      },
    },
    [Symbol.asyncDispose]: async () => await libvirt[Symbol.asyncDispose](),
  };
}
