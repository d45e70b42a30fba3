import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { NewHypervisor } from "#wire/hypervisors.ts";
import { eventually } from "../harness/eventually.ts";
import { LOOPBACK } from "../harness/free-port.ts";
import { ExtendedKeyUsage, testCertificate } from "../harness/test-certificates.ts";
import { startFleet } from "../harness/test-fleet.ts";
import { INTO_DEFAULT, machineOf, PATIENT, qemuAt } from "./hypervisor-stage.ts";
import { type Libvirt, startLibvirt } from "./libvirt.ts";
import { define, ptyGuestDomain } from "./libvirt-domains.ts";
import { startTlsLibvirt } from "./libvirt-tls.ts";
import { limits } from "./qemu.ts";

const { signal } = new AbortController();

/** A libvirt, and how control and nodes get to it. */
export interface LibvirtWay extends AsyncDisposable {
  readonly libvirt: Libvirt;
  readonly access: Pick<NewHypervisor, "address" | "credentials">;
}

export async function bySocket(): Promise<LibvirtWay> {
  const libvirt = await startLibvirt();
  return {
    libvirt,
    access: { address: qemuAt(libvirt) },
    [Symbol.asyncDispose]: async () => await libvirt[Symbol.asyncDispose](),
  };
}

/** `more`: of libvirtd.conf. */
export async function byTls(more = ""): Promise<LibvirtWay & { readonly port: number }> {
  const authority = await testCertificate({ commonName: "libvirt" });
  const server = await testCertificate({ names: [LOOPBACK], issuer: authority });
  const usages = [ExtendedKeyUsage.clientAuth];
  const client = await testCertificate({ names: ["porthole"], issuer: authority, usages });
  const libvirt = await startTlsLibvirt(authority, server, more);
  return {
    libvirt,
    port: libvirt.port,
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

/** A guest of that libvirt whose shell waits at a pseudo-terminal, known to a control that has one node. */
export async function startLineStage(
  way: LibvirtWay,
  { allow = `127.0.0.0/8, unix:${tmpdir()}/*` }: { readonly allow?: string } = {},
) {
  const { libvirt, access } = way;
  await using opened = new AsyncDisposableStack();
  const fleet = opened.use(await startFleet());
  const { control } = fleet;
  await control.services.settings.set(control.admin, "upstream.allow", allow);
  const node = await fleet.start({ deadlines: PATIENT });
  const { id: hypervisorId } = await control.services.hypervisors.add(control.admin, {
    ...{ name: "host7", platform: "libvirt", ...access, rules: INTO_DEFAULT, serialStreams: true },
  });
  const driver = await control.driverPool.driverOf(hypervisorId);
  const uuid = randomUUID();
  const serial = join(libvirt.logs, "serial");
  await define(libvirt, ptyGuestDomain(libvirt, { uuid, name: "web", graphics: "", serial }));
  await libvirt.virsh("start", uuid);
  const said = () => readFileSync(serial, "latin1");
  await eventually(() => assert.match(said(), /GUEST-READY/), { withinMs: limits.bootMs });
  await control.inventory.takeAll(hypervisorId, await driver.list(signal));
  const machine = await machineOf(control, uuid, {});
  const owned = opened.move();
  return {
    ...{ fleet, control, node, hypervisorId, driver, uuid, machine, libvirt, said },
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}
