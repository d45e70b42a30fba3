import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { parseEndpoint } from "#hypervisors/libvirt/endpoint.ts";
import { allowsPath, judgeAddress, type UpstreamAllow } from "#wire/upstream-allow.ts";
import type { HypervisorRow } from "./hypervisor-row.ts";

interface Looking {
  readonly signal: AbortSignal;
  /** Finds the addresses of a name; the system's resolver if absent. */
  readonly resolve?: (name: string) => Promise<readonly string[]>;
}

/**
 * The place at which nodes are to sign in to a libvirt for its serial lines and may not, as `upstream.allow` would have it. Undefined where they
 * may, where they are not to, and where its name is not known here before the signal aborts, for nodes may know it.
 */
export async function streamsOutside(
  row: Pick<HypervisorRow, "platform" | "address" | "has_serial_streams">,
  allow: UpstreamAllow,
  looking: Looking,
): Promise<string | undefined> {
  if (row.platform !== "libvirt" || row.has_serial_streams !== 1) return undefined;
  const { way } = parseEndpoint(row.address);
  if (way.kind === "unix") return allowsPath(allow, way.path) ? undefined : `unix:${way.path}`;
  const addresses = await addressesOf(way.host, looking);
  const mayDial = (address: string) => judgeAddress(allow, address, way.port) === "allowed";
  const [first] = addresses;
  if (first === undefined || addresses.some(mayDial)) return undefined;
  return `${isIP(first) === 6 ? `[${first}]` : first}:${way.port}`;
}

async function addressesOf(
  host: string,
  { signal, resolve = resolveBySystem }: Looking,
): Promise<readonly string[]> {
  if (isIP(host) !== 0) return [host];
  const over = Promise.withResolvers<readonly string[]>();
  const end = () => over.resolve([]);
  signal.addEventListener("abort", end, { once: true });
  if (signal.aborted) end();
  try {
    return await Promise.race([resolve(host), over.promise]);
  } catch {
    return [];
  } finally {
    signal.removeEventListener("abort", end);
  }
}

async function resolveBySystem(name: string): Promise<readonly string[]> {
  return (await lookup(name, { all: true })).map(({ address }) => address);
}
