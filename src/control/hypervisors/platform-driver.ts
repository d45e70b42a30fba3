import { Secret } from "#base/secret.ts";
import { createCommandDriver } from "#hypervisors/command/driver.ts";
import { type CommandPlace, parseCommandAddress } from "#hypervisors/command/place.ts";
import type { ConsolePorts } from "#hypervisors/console-ports.ts";
import type { HypervisorDriver } from "#hypervisors/driver.ts";
import { kubeVirtAccess } from "#hypervisors/kubevirt/access.ts";
import { createKubeVirtDriver } from "#hypervisors/kubevirt/driver.ts";
import { createLibvirtDriver } from "#hypervisors/libvirt/driver.ts";
import { parseEndpoint } from "#hypervisors/libvirt/endpoint.ts";
import { proxmoxAccess } from "#hypervisors/proxmox/access.ts";
import { createProxmoxDriver } from "#hypervisors/proxmox/driver.ts";
import { readTrust } from "#hypervisors/trust.ts";
import { createVsphereDriver } from "#hypervisors/vsphere/driver.ts";
import { parseVsphereEndpoint } from "#hypervisors/vsphere/endpoint.ts";
import { parseXenAddress } from "#hypervisors/xenserver/address.ts";
import { createXenDriver } from "#hypervisors/xenserver/driver.ts";
import type { Hypervisor, HypervisorCredentials } from "#wire/hypervisors.ts";
import type { HypervisorWay } from "./hypervisor-row.ts";

/** What opens a hypervisor, and what control has made for it beside that. */
export interface KeptCredentials extends HypervisorCredentials {
  /** By which its consoles' passwords are made, where each has one of its own. */
  readonly sessionPasswordKey?: string;
}

interface Surroundings {
  readonly commands: CommandPlace;
  /** Absent for whoever opens no consoles. */
  readonly ports?: ConsolePorts;
}

/** A driver for one hypervisor, which whoever asked for it ends. Throws an Error that says what is wrong with the address. */
export function createPlatformDriver(
  { platform, address, readOnly, serialStreams, consoles }: Omit<HypervisorWay, "sessionPasswords">,
  kept: KeptCredentials,
  { commands, ports }: Surroundings,
): HypervisorDriver {
  refuseUnused(platform, kept);
  const { clientKey, sshKey, secret, sessionPasswordKey, ...rest } = kept;
  const keys = { clientKey: secretOf(clientKey), sshKey: secretOf(sshKey) };
  switch (platform) {
    case "libvirt":
      return createLibvirtDriver({
        endpoint: parseEndpoint(address),
        credentials: { ...rest, ...keys },
        isReadOnly: readOnly,
        sessionPasswordKey: secretOf(sessionPasswordKey),
        hasSerialStreams: serialStreams,
      });
    case "xenserver":
      return createXenDriver({
        ...{ address: parseXenAddress(address), trust: readTrust(rest), isReadOnly: readOnly },
        ...account(platform, kept),
      });
    case "command":
      return createCommandDriver({
        ...parseCommandAddress(address),
        ...{ ...rest, ...keys, secret: secretOf(secret) },
        place: commands,
        isReadOnly: readOnly,
      });
    case "vsphere":
      return createVsphereDriver({
        ...{ endpoint: parseVsphereEndpoint(address), trust: readTrust(rest), isReadOnly: readOnly },
        ...{ ...account(platform, kept), consoles: consoles ?? "webmks", ports },
      });
    case "proxmox":
      return createProxmoxDriver(
        proxmoxAccess(address, { ...rest, secret: secretOf(secret), isReadOnly: readOnly }),
      );
    case "kubevirt":
      return createKubeVirtDriver(
        kubeVirtAccess(address, { ...rest, secret: secretOf(secret), isReadOnly: readOnly }),
      );
    default:
      return platform satisfies never;
  }
}

const TLS = ["caCertificate", "clientCertificate", "clientKey"] as const;
const SSH = ["sshKey", "sshKnownHosts"] as const;
const BY_HTTPS = ["caCertificate", "pin", "username", "secret"] as const;
/** What each platform knows what to do with. */
const USED: Readonly<Record<Hypervisor["platform"], readonly (keyof HypervisorCredentials)[]>> = {
  libvirt: [...TLS, ...SSH],
  xenserver: BY_HTTPS,
  vsphere: BY_HTTPS,
  proxmox: BY_HTTPS,
  kubevirt: ["caCertificate", "pin", "secret"],
  command: [...TLS, ...SSH, "secret"],
};

/** Somebody who gives a password that nothing is done with would take the hypervisor for protected by it. */
function refuseUnused(
  platform: Hypervisor["platform"],
  { sessionPasswordKey: _, ...credentials }: KeptCredentials,
): void {
  const used: readonly string[] = USED[platform];
  const unused = Object.keys(credentials).find((name) => !used.includes(name));
  if (unused !== undefined) throw new Error(`${platform} takes no ${unused}, but ${used.join(", ")}`);
}

/** Of a platform that lets nobody in who does not say who he is. */
function account(
  platform: Hypervisor["platform"],
  { username, secret }: Pick<KeptCredentials, "username" | "secret">,
): { readonly username: string; readonly secret: Secret } {
  if (username === undefined || secret === undefined)
    throw new Error(`${platform} is signed in to with a username and a secret`);
  return { username, secret: new Secret(secret) };
}

function secretOf(text: string | undefined): Secret | undefined {
  return text === undefined ? undefined : new Secret(text);
}
