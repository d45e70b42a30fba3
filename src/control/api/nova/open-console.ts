import type { Machine } from "#wire/api.ts";
import { type GatewayError, toGatewayError } from "#wire/gateway-error.ts";
import { lacksConsole } from "../../consoles/running.ts";
import type { NovaCall } from "./call.ts";
import { CARRIED, type ConsoleType, type NovaProtocol } from "./console-types.ts";
import { consoleUrlOf } from "./console-url.ts";
import { FAULTS, type NovaFault } from "./fault.ts";

interface Wanted {
  readonly serverId: string;
  readonly protocol: NovaProtocol;
  readonly type: ConsoleType;
}

/** Opens a console, and resolves to its URL. Throws Nova's fault; a server that is not there comes before what it has not. */
export async function openConsole(
  { services, values, caller }: NovaCall,
  { serverId, protocol, type }: Wanted,
): Promise<string> {
  const carried = CARRIED[protocol];
  if (typeof carried === "string" || carried.type !== type) {
    await requireServer({ services, caller }, serverId);
    if (carried === "refused") throw FAULTS.badRequest();
    throw carried === "unavailable" ? FAULTS.unavailable(type) : FAULTS.wrongType(type);
  }
  try {
    const issued = await services.consoles.open(caller, {
      ...{ machineId: serverId, api: "nova" },
      protocol: carried.protocol,
    });
    return consoleUrlOf(type, String(values.value(carried.base)), issued);
  } catch (error) {
    throw faultOf(toGatewayError(error), serverId, type);
  }
}

/** Throws Nova's fault where the caller sees no such server. */
export async function requireServer(
  { services, caller }: Pick<NovaCall, "services" | "caller">,
  serverId: string,
): Promise<Machine> {
  try {
    return await services.machines.get(caller, serverId);
  } catch (error) {
    throw toGatewayError(error).code === "not_found" ? FAULTS.unknownServer(serverId) : error;
  }
}

/** What Nova says of the machine, where it is the machine; everything else is for whoever knows no better. */
function faultOf(problem: GatewayError, serverId: string, type: ConsoleType): NovaFault | GatewayError {
  if (lacksConsole(problem)) return FAULTS.unavailable(type);
  switch (problem.code) {
    case "not_found":
    case "machine_gone":
      return FAULTS.unknownServer(serverId);
    case "console_unavailable":
      return FAULTS.unavailable(type);
    case "forbidden":
      return FAULTS.policy("os-remote-consoles");
    case "machine_not_running":
      return FAULTS.notReady(serverId);
    default:
      return problem;
  }
}
