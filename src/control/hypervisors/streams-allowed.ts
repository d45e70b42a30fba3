import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { parseEndpoint } from "#hypervisors/libvirt/endpoint.ts";
import { allowsPath, judgeAddress, type UpstreamAllow } from "#wire/upstream-allow.ts";
import type { HypervisorRow } from "./hypervisor-row.ts";

/**
 * The place at which nodes are to sign in to a libvirt for its serial lines and may not, as `upstream.allow` would have it. Undefined where they
 * may, where they are not to, and where its name is not known here, for nodes may know it.
 */
export async function streamsOutside(
  row: Pick<HypervisorRow, "platform" | "address" | "has_serial_streams">,
  allow: UpstreamAllow,
): Promise<string | undefined> {
  if (row.platform !== "libvirt" || row.has_serial_streams !== 1) return undefined;
  const { way } = parseEndpoint(row.address);
  if (way.kind === "unix") return allowsPath(allow, way.path) ? undefined : `unix:${way.path}`;
  const addresses = await addressesOf(way.host);
  const mayDial = (address: string) => judgeAddress(allow, address, way.port) === "allowed";
  const [first] = addresses;
  if (first === undefined || addresses.some(mayDial)) return undefined;
  return `${isIP(first) === 6 ? `[${first}]` : first}:${way.port}`;
}

async function addressesOf(host: string): Promise<readonly string[]> {
  if (isIP(host) !== 0) return [host];
  try {
    return (await lookup(host, { all: true })).map(({ address }) => address);
  } catch {
    return [];
  }
}
