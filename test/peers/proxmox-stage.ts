import { randomUUID } from "node:crypto";
import { Secret } from "#base/secret.ts";
import type { DriverMachine, HypervisorDriver } from "#hypervisors/driver.ts";
import { proxmoxAccess } from "#hypervisors/proxmox/access.ts";
import { createProxmoxDriver } from "#hypervisors/proxmox/driver.ts";
import { type ProxmoxApi, startProxmoxApi } from "./proxmox-api.ts";
import type { ClusterMachine } from "./proxmox-cluster.ts";
import { type Qemu, serialPort, startQemu, startQemuGuest } from "./qemu.ts";

const BORN = 1_700_000_000;

/** A machine's address, as the driver has it. */
export function addressOf(vmid: number, { config }: ClusterMachine): string {
  const { meta = "", smbios1 = "" } = config;
  return `${vmid}/${/ctime=(\d+)/.exec(meta)?.[1] ?? "-"}/${/uuid=([0-9a-f-]+)/.exec(smbios1)?.[1] ?? "-"}`;
}

export function clusterMachine(name: string, more: Partial<ClusterMachine> = {}): ClusterMachine {
  return {
    ...{ node: "pve1", type: "qemu", status: "running", startedAt: Date.now() },
    ...more,
    config: {
      ...{ name, ostype: "l26", meta: `creation-qemu=8.1.5,ctime=${BORN}` },
      ...{ smbios1: `uuid=${randomUUID()}`, serial0: "socket" },
      ...more.config,
    },
  };
}

export interface ProxmoxStage extends AsyncDisposable {
  readonly api: ProxmoxApi;
  readonly qemu: Qemu<"proxmox">;
  readonly driver: HypervisorDriver;
  /** 100, which runs, and another one, 101, which does not. */
  readonly machine: DriverMachine;
  readonly web: ClusterMachine;
}

export function record(address: string): DriverMachine {
  return { id: randomUUID(), protocol: "rfb", address, password: undefined, state: "running" };
}

/** A driver as control makes it, before the double. */
export function driverOf(
  { address, authority, tokenId, secret }: ProxmoxApi,
  more: { readonly address?: string; readonly secret?: string; readonly isReadOnly?: boolean } = {},
): HypervisorDriver {
  return createProxmoxDriver(
    proxmoxAccess(more.address ?? address, {
      username: tokenId,
      secret: new Secret(more.secret ?? secret),
      caCertificate: authority.pem,
      isReadOnly: more.isReadOnly ?? false,
    }),
    { pollMs: 100 },
  );
}

/** With `line` its machine is a guest, whose shell is on the first serial line. */
export async function startProxmoxStage({
  line = false,
}: {
  readonly line?: boolean;
} = {}): Promise<ProxmoxStage> {
  await using opened = new AsyncDisposableStack();
  const screens = { proxmox: { password: "nobody" } };
  const qemu = opened.use(line ? await startQemuGuest(screens, { line }) : await startQemu(screens));
  const { host, ports, qmp } = qemu;
  const screen = { host, port: ports.proxmox, qmp, display: "proxmox" };
  const api = opened.use(
    await startProxmoxApi(
      line ? { ...screen, line: { host, port: await serialPort(qemu, "line") } } : screen,
    ),
  );
  const web = clusterMachine("web");
  api.cluster.machines.set(100, web);
  api.cluster.machines.set(101, clusterMachine("db", { node: "pve2", status: "stopped" }));
  const driver = opened.use(driverOf(api));
  const owned = opened.move();
  return {
    ...{ api, qemu, driver, web, machine: record(addressOf(100, web)) },
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}
