import type { Node } from "#wire/api.ts";
import type { Fields } from "./answer.ts";
import { cloudStackTime } from "./times.ts";

/** A console node as CloudStack shows a console proxy's system VM. */
export function systemVm(node: Node): Fields {
  return {
    id: node.id,
    systemvmtype: "consoleproxy",
    name: systemVmName(node),
    hypervisor: "External",
    publicip: hostOf(node.pageOrigin),
    state: stateOf(node),
    agentstate: AGENT_STATES[node.agentState],
    activeviewersessions: node.sessions,
    version: node.version,
    lastpinged: cloudStackTime(node.seenAt),
    isdynamicallyscalable: false,
  };
}

/** CloudStack numbers its system VMs; ours have ids alone. */
function systemVmName({ id }: Pick<Node, "id">): string {
  return `v-${id.slice(0, 8)}-VM`;
}

const AGENT_STATES = {
  connecting: "Connecting",
  up: "Up",
  down: "Down",
  disconnected: "Disconnected",
} as const satisfies Readonly<Record<Node["agentState"], string>>;

/** A node that is only drained runs, in CloudStack's words; one that is to end or to come back stops first. */
function stateOf({ state, draining }: Node): string {
  switch (state) {
    case "starting":
      return "Starting";
    case "running":
      return "Running";
    case "draining":
      return draining?.outcome === "restart" ? "Stopping" : "Running";
    case "stopping":
      return "Stopping";
    case "stopped":
      return "Stopped";
    case "revoked":
      return "Error";
    default:
      return state satisfies never;
  }
}

function hostOf(origin: string): string | undefined {
  return URL.parse(origin)?.hostname;
}
