import { Type } from "typebox";
import { Check } from "typebox/schema";
import type { Upstream } from "#wire/grant.ts";
import { HypervisorError } from "../hypervisor-error.ts";
import { type Trust, toNodeTls } from "../trust.ts";
import type { VsphereClient } from "./client.ts";
import type { VsphereEndpoint } from "./endpoint.ts";
import type { FoundMachine } from "./machines.ts";
import { VsphereFault, value } from "./soap.ts";
import { child, textOf } from "./xml.ts";

/** Where vCenters from 5.5 to 6.7 have their console proxy, within TLS; without it is 7331, which is not used. */
export const CONSOLE_PROXY_PORT = 7343;

const CloneTicket = Type.String({ pattern: "^[!-~]{1,1024}$" });
const Fqdn = Type.String({ pattern: "^[A-Za-z0-9._:-]{1,253}$" });

interface Options {
  readonly machine: FoundMachine;
  readonly endpoint: VsphereEndpoint;
  readonly trust: Trust;
  readonly port: number;
  readonly signal: AbortSignal;
}

/**
 * Where the console of a machine is whose host gives no tickets for WebMKS: vCenter's console proxy opens it for whoever shows a ticket
 * that clones our session, which is good once. Its form is that of OpenStack's proposal for WebMKS, and of what people wrote of
 * their vCenters; VMware has not documented it.
 */
export async function acquireThroughVcenter(
  client: VsphereClient,
  { machine: { object, known }, endpoint, trust, port, signal }: Options,
): Promise<Upstream> {
  const [fqdn, thumbprint] = await Promise.all([fqdnOf(client, signal), client.thumbprint(signal)]);
  const call = { method: "AcquireCloneTicket", target: "sessionManager" } as const;
  const ticket = textOf(await client.ask(call, signal), "returnval");
  if (!Check(CloneTicket, ticket)) throw new HypervisorError("answer", "its ticket cannot be read");
  const query = new URLSearchParams({
    vmId: object.id,
    vmName: known.name,
    // It is the proxy that goes there, and as what it is known there.
    host: `${fqdn ?? endpoint.host}:443`,
    sessionTicket: ticket,
    thumbprint,
  });
  return {
    address: {
      ...{
        kind: "websocket",
        host: endpoint.host,
        port,
        isSecure: true,
        subprotocol: "binary",
        isTicket: true,
      },
      path: `/console/authd?${query}`,
    },
    tls: toNodeTls(trust, endpoint.host),
  };
}

/** vCenter's advanced setting; undefined where it has none, or does not tell it to this account. */
async function fqdnOf(client: VsphereClient, signal: AbortSignal): Promise<string | undefined> {
  const parameters = value("name", "VirtualCenter.FQDN");
  const call = { method: "QueryOptions", target: "setting", parameters, isRepeatable: true } as const;
  try {
    const said = child(await client.ask(call, signal), "returnval");
    const fqdn = said === undefined ? undefined : textOf(said, "value");
    return Check(Fqdn, fqdn) ? fqdn : undefined;
  } catch (error) {
    if (error instanceof VsphereFault && UNTOLD.has(error.fault)) return undefined;
    throw error;
  }
}

const UNTOLD: ReadonlySet<string> = new Set(["InvalidName", "NoPermission"]);
