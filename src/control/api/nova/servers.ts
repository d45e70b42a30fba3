import type { Machine, MachineState } from "#wire/api.ts";
import { pageLimits } from "#wire/api.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import { type NovaCall, parameterOf } from "./call.ts";
import { NovaFault } from "./fault.ts";
import { requireServer } from "./open-console.ts";
import { pythonOf } from "./python.ts";

/** Nova's words for the states of a machine. */
const STATES = { running: "ACTIVE", stopped: "SHUTOFF" } as const satisfies Record<MachineState, string>;

/** `GET /servers`: ids and names. */
export async function listServers(call: NovaCall): Promise<unknown> {
  return await page(call, "servers", (machine) => brief(call, machine));
}

/** `GET /servers/detail`. */
export async function listServersInDetail(call: NovaCall): Promise<unknown> {
  return await page(call, "servers/detail", (machine) => detailed(call, machine));
}

/** `GET /servers/{id}`. */
export async function showServer(call: NovaCall): Promise<unknown> {
  return { server: detailed(call, await requireServer(call, parameterOf(call, "id"))) };
}

/**
 * One page, in the order of names. A filter that is not known here is passed over, as Nova passes over those that are not for the
 * caller; what clients find a server by is known: its name, its status and its project.
 */
async function page(
  call: NovaCall,
  path: string,
  view: (machine: Machine) => Readonly<Record<string, unknown>>,
): Promise<unknown> {
  const { services, caller, root } = call;
  const query = new URL(call.request.url, "http://any").searchParams;
  const limit = limitOf(query.get("limit"));
  const state = stateOf(query.get("status"));
  if (state === "none") return { servers: [] };
  const marker = query.get("marker") ?? undefined;
  const { items, next } = await services.machines
    .list(caller, {
      ...nameFilter(query.get("name") ?? ""),
      projectId: query.get("project_id") ?? query.get("tenant_id") ?? undefined,
      state,
      behind: marker,
      limit,
    })
    .catch((error: unknown) => {
      if (!(error instanceof GatewayError) || error.code !== "not_found") throw error;
      throw new NovaFault(400, `marker [${(marker ?? "").slice(0, 64)}] not found`);
    });
  const last = items.at(-1);
  const links = next === undefined || last === undefined ? [] : [nextLink(root, path, query, last.id)];
  return { servers: items.map(view), ...(links.length > 0 && { servers_links: links }) };
}

function nextLink(root: string, path: string, query: URLSearchParams, marker: string) {
  const following = new URLSearchParams(query);
  following.set("marker", marker);
  return { rel: "next", href: `${root}/v2.1/${path}?${following}` };
}

/** Nova takes a regular expression. Clients send a name, some of them between `^` and `$`, which is then all of it. */
function nameFilter(text: string): { readonly name?: string; readonly keyword?: string } {
  if (text === "") return {};
  const [, whole] = /^\^(.*)\$$/.exec(text) ?? [];
  const literal = (pattern: string) => pattern.replace(/\\(.)/g, "$1");
  return whole === undefined ? { keyword: literal(text) } : { name: literal(whole) };
}

function stateOf(status: string | null): MachineState | "none" | undefined {
  if (status === null || status === "") return undefined;
  if (status.toUpperCase() === STATES.running) return "running";
  return status.toUpperCase() === STATES.stopped ? "stopped" : "none";
}

function limitOf(text: string | null): number {
  if (text === null || text === "") return pageLimits.maximumItems;
  if (!/^\d{1,9}$/.test(text))
    throw new NovaFault(
      400,
      `Invalid input for query parameters limit. Value: ${text.slice(0, 64)}. ${pythonOf(text.slice(0, 64))} does not match '^[0-9]*$'`,
    );
  const wanted = Number(text);
  return wanted === 0 ? pageLimits.maximumItems : Math.min(wanted, pageLimits.maximumItems);
}

function brief({ root }: NovaCall, { id, name }: Machine) {
  return {
    id,
    name,
    links: [
      { rel: "self", href: `${root}/v2.1/servers/${id}` },
      { rel: "bookmark", href: `${root}/servers/${id}` },
    ],
  };
}

/** What we know of a machine, and of what clients take for granted that there is none: it has no image, no flavour, no addresses here. */
function detailed(call: NovaCall, machine: Machine) {
  const running = machine.state === "running";
  return {
    ...brief(call, machine),
    status: STATES[machine.state],
    tenant_id: machine.projectId,
    user_id: "",
    created: novaTime(machine.createdAt),
    updated: novaTime(machine.createdAt),
    metadata: {},
    addresses: {},
    image: "",
    flavor: flavour(call.version),
    hostId: "",
    key_name: null,
    accessIPv4: "",
    accessIPv6: "",
    config_drive: "",
    "OS-EXT-STS:task_state": null,
    "OS-EXT-STS:vm_state": running ? "active" : "stopped",
    "OS-EXT-STS:power_state": running ? 1 : 4,
    "OS-EXT-AZ:availability_zone": machine.pool ?? "",
  };
}

/** Since 2.47 it stands there itself, in place of its id. */
function flavour(version: number) {
  if (version < 47) return { id: "external", links: [] };
  return { original_name: "external", vcpus: 0, ram: 0, disk: 0, ephemeral: 0, swap: 0, extra_specs: {} };
}

/** Without fractions of a second. */
function novaTime(time: string): string {
  return time.replace(/\.\d+Z$/, "Z");
}
