import { GatewayError } from "#wire/gateway-error.ts";
import type { Upstream } from "#wire/grant.ts";
import { toNodeTls } from "../trust.ts";
import type { ProxmoxAccess, ProxmoxClient } from "./client.ts";
import { hasScreen, isRunning, type Machine } from "./machines.ts";

/** pveproxy, of a ticket for a machine that has left the node meanwhile (PVE::AbstractConfig::load_config). */
const MOVED = { words: ".conf' does not exist", code: "upstream_ticket_refused" } as const;

/** As much of a password as VNC's authentication looks at. */
const PASSWORD_CHARACTERS = 8;

/** Where a machine's VNC is, for whoever does not open it. Throws as `openVnc`. */
export function placeOfVnc({ places: [place], trust }: ProxmoxAccess, machine: Machine): Upstream {
  requireVnc(machine);
  return {
    address: { kind: "websocket", ...place, path: pathOf(machine), isSecure: true },
    tls: toNodeTls(trust, place.host),
  };
}

/**
 * Has Proxmox VE make a machine's VNC ready for one connection, which has to come to the node that was asked, and within some ten seconds. Throws
 * `machine_not_running`, and `upstream_unreachable` where the machine has no screen.
 */
export async function openVnc(
  client: ProxmoxClient,
  {
    access,
    machine,
    signal,
  }: { readonly access: ProxmoxAccess; readonly machine: Machine; readonly signal: AbortSignal },
): Promise<Upstream> {
  requireVnc(machine);
  const form = { websocket: "1", "generate-password": "1" };
  const { data, place } = await client.ask("vncProxy", { path: `${machine.path}/vncproxy`, form, signal });
  const { ticket, port, password = ticket.slice(0, PASSWORD_CHARACTERS) } = data;
  const query = new URLSearchParams({ port: String(port), vncticket: ticket });
  return {
    address: {
      kind: "websocket",
      ...place,
      path: `${pathOf(machine)}?${query}`,
      isSecure: true,
      headers: { authorization: client.authorization },
      isTicket: true,
      refusals: [MOVED],
    },
    password,
    tls: toNodeTls(access.trust, place.host),
  };
}

function requireVnc(machine: Machine): void {
  if (!isRunning(machine)) throw new GatewayError("machine_not_running");
  if (!hasScreen(machine))
    throw new GatewayError("upstream_unreachable", { detail: "the machine has no VNC" });
}

function pathOf({ path }: Machine): string {
  return `/api2/json${path}/vncwebsocket`;
}
