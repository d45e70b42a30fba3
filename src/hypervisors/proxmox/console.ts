import { GatewayError } from "#wire/gateway-error.ts";
import type { ConsoleProtocol, Upstream } from "#wire/grant.ts";
import { toNodeTls } from "../trust.ts";
import type { ProxmoxAccess, ProxmoxClient } from "./client.ts";
import { hasScreen, isRunning, type Machine, serialLines } from "./machines.ts";
import type { Place } from "./place.ts";

/** pveproxy, of a ticket for a machine that has left the node meanwhile (PVE::AbstractConfig::load_config). */
const MOVED = { words: ".conf' does not exist", code: "upstream_ticket_refused" } as const;

/** As much of a password as VNC's authentication looks at. */
const PASSWORD_CHARACTERS = 8;

/** Where a machine's VNC is, or its serial line, for whoever does not open it. Throws as `openConsole`. */
export function placeOfConsole(
  { places: [place], trust }: ProxmoxAccess,
  machine: Machine,
  protocol: ConsoleProtocol,
): Upstream {
  if (protocol === "serial") requireLine(machine);
  else requireVnc(machine);
  // One path leads to both: which it is, its port and its ticket say.
  return {
    address: { kind: "websocket", ...place, path: pathOf(machine), isSecure: true },
    tls: toNodeTls(trust, place.host),
  };
}

interface Opening {
  readonly access: ProxmoxAccess;
  readonly machine: Machine;
  readonly protocol: ConsoleProtocol;
  readonly signal: AbortSignal;
}

/**
 * Has Proxmox VE make a machine's VNC, or its serial line, ready for one connection, which has to come to the node that was asked, and within some ten
 * seconds. Throws `machine_not_running`, and `upstream_unreachable` where the machine has no such console.
 */
export async function openConsole(client: ProxmoxClient, opening: Opening): Promise<Upstream> {
  return opening.protocol === "serial" ? await openLine(client, opening) : await openVnc(client, opening);
}

async function openVnc(client: ProxmoxClient, { access, machine, signal }: Opening): Promise<Upstream> {
  requireVnc(machine);
  const form = { websocket: "1", "generate-password": "1" };
  const { data, place } = await client.ask("vncProxy", { path: `${machine.path}/vncproxy`, form, signal });
  const { ticket, port, password = ticket.slice(0, PASSWORD_CHARACTERS) } = data;
  return {
    address: readyAt(client, { place, machine, port, ticket }),
    password,
    tls: toNodeTls(access.trust, place.host),
  };
}

/** `qm terminal`, behind a termproxy that takes the ticket once more. */
async function openLine(client: ProxmoxClient, { access, machine, signal }: Opening): Promise<Upstream> {
  const form = { serial: requireLine(machine) };
  const { data, place } = await client.ask("termProxy", { path: `${machine.path}/termproxy`, form, signal });
  const { user, ticket, port } = data;
  return {
    address: {
      ...readyAt(client, { place, machine, port, ticket }),
      termproxy: { login: `${user}:${ticket}` },
    },
    tls: toNodeTls(access.trust, place.host),
  };
}

function readyAt(
  { authorization }: ProxmoxClient,
  {
    place,
    machine,
    port,
    ticket,
  }: {
    readonly place: Place;
    readonly machine: Machine;
    readonly port: number | string;
    readonly ticket: string;
  },
) {
  const query = new URLSearchParams({ port: String(port), vncticket: ticket });
  return {
    ...({ kind: "websocket", isSecure: true, isTicket: true } as const),
    ...place,
    path: `${pathOf(machine)}?${query}`,
    headers: { authorization },
    refusals: [MOVED],
  };
}

function requireVnc(machine: Machine): void {
  if (!isRunning(machine)) throw new GatewayError("machine_not_running");
  if (!hasScreen(machine))
    throw new GatewayError("upstream_unreachable", { detail: "the machine has no VNC" });
}

/** The first one. */
function requireLine(machine: Machine) {
  if (!isRunning(machine)) throw new GatewayError("machine_not_running");
  const [first] = serialLines(machine);
  if (first === undefined)
    throw new GatewayError("upstream_unreachable", { detail: "the machine has no serial line" });
  return first;
}

function pathOf({ path }: Machine): string {
  return `/api2/json${path}/vncwebsocket`;
}
