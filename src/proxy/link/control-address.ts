import { isIP } from "node:net";

/** Where a TLS connection to control goes. */
export interface ControlAddress {
  readonly host: string;
  readonly port: number;
  /** What is said of it in the clear, for a load balancer that goes by names; addresses are not said (RFC 6066 §3). */
  readonly servername: string;
}

export function controlAddress({ hostname, port }: URL): ControlAddress {
  const host = hostname.replace(/^\[|\]$/g, "");
  return { host, port: Number(port || 443), servername: isIP(host) === 0 ? host : "" };
}
