import { stringify } from "smol-toml";
import type { JoinData } from "../launcher.ts";
import { iso9660 } from "./iso9660.ts";

/** By which deploy/system-vm/guest/init.sh knows the drive. */
const LABEL = "porthole";

/** An address for a network without DHCP. */
export interface StaticNetwork {
  /** With the length of the prefix, such as 192.0.2.7/24. */
  readonly address: string;
  readonly gateway?: string;
  readonly dns?: readonly string[];
}

/**
 * The disk from which a system VM takes what it needs to become a node: the configuration of `porthole proxy`, the join
 * token in a file of its own, and an address where it gets none by DHCP.
 */
export function configDrive(join: JoinData, network?: StaticNetwork): Buffer {
  const { controls, token, listen, publicAddress } = join;
  const config = {
    control: controls.join(","),
    ...(listen === undefined ? {} : { listen }),
    ...(publicAddress === undefined ? {} : { "public-address": publicAddress }),
  };
  return iso9660(LABEL, {
    "node.toml": stringify(config),
    token: `${token.expose()}\n`,
    ...(network === undefined ? {} : { network: networkLines(network) }),
  });
}

/** As the image's /sbin/init reads them: KEY=VALUE. */
function networkLines({ address, gateway, dns = [] }: StaticNetwork): string {
  const lines = [`address=${address}`, `dns=${dns.join(" ")}`];
  if (gateway !== undefined) lines.push(`gateway=${gateway}`);
  return `${lines.join("\n")}\n`;
}
