import { Secret } from "#base/secret.ts";
import type { HypervisorDriver } from "#hypervisors/driver.ts";
import { createLibvirtDriver } from "#hypervisors/libvirt/driver.ts";
import { parseEndpoint } from "#hypervisors/libvirt/endpoint.ts";
import type { Hypervisor, HypervisorCredentials } from "#wire/hypervisors.ts";

/** A driver for one hypervisor, which whoever asked for it ends. Throws an Error that says what is wrong with the address. */
export function createPlatformDriver(
  { platform, address, readOnly }: Pick<Hypervisor, "platform" | "address" | "readOnly">,
  { clientKey, sshKey, ...rest }: HypervisorCredentials,
): HypervisorDriver {
  switch (platform) {
    case "libvirt":
      return createLibvirtDriver({
        endpoint: parseEndpoint(address),
        credentials: { ...rest, clientKey: secretOf(clientKey), sshKey: secretOf(sshKey) },
        isReadOnly: readOnly,
      });
    default:
      return platform satisfies never;
  }
}

function secretOf(text: string | undefined): Secret | undefined {
  return text === undefined ? undefined : new Secret(text);
}
