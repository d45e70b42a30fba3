import { GatewayError } from "#wire/gateway-error.ts";
import type { Tickets } from "../../tickets/service.ts";
import { type NovaCall, parameterOf } from "./call.ts";
import { FAULTS, NovaFault } from "./fault.ts";
import { requireMembers } from "./request-body.ts";

const limits = {
  /** Since when tokens of any type are told of; before that only those of RDP were, which there are none of. */
  firstVersion: 31,
  /** Since when what is not known in the query is refused. */
  strictVersion: 99,
} as const;

/** `GET /os-console-auth-tokens/{token}`, for administrators: where a ticket leads, which nobody has used yet. */
export async function showAuthToken(call: NovaCall): Promise<unknown> {
  const { services, caller, version } = call;
  if (caller.role !== "admin") throw FAULTS.policy("os-console-auth-tokens");
  const query = new URL(call.request.url, "http://any").searchParams;
  if (version >= limits.strictVersion) requireMembers(Object.fromEntries(query), [], { field: undefined });
  try {
    const console = await services.tickets.whereTo(caller, parameterOf(call, "token"));
    if (version < limits.firstVersion)
      throw new NovaFault(400, "The requested console type details are not accessible");
    return {
      console: {
        instance_uuid: console.machineId,
        host: console.host ?? null,
        port: console.port ?? null,
        internal_access_path: accessPathOf(console) ?? null,
      },
    };
  } catch (error) {
    if (error instanceof GatewayError && NOT_GOOD.has(error.code))
      throw new NovaFault(404, "Token not found");
    throw error;
  }
}

/**
 * What there is to be said to the server before it is the console. Of WebMKS it is JSON, as Nova has it of VMware's machines: the ticket
 * that the platform has just made, which opens the console once, by which certificate its host is known, and the WebSocket's path.
 */
function accessPathOf({ protocol, path, pin }: Awaited<ReturnType<Tickets["whereTo"]>>): string | undefined {
  if (protocol !== "webmks" || path === undefined) return path;
  const [, ticket] = /^\/ticket\/([^/?]+)$/.exec(path) ?? [];
  const digits = pin?.replace(/^sha\d+:/, "").toUpperCase();
  return JSON.stringify({
    ...(ticket !== undefined && { ticket }),
    ...(digits !== undefined && { thumbprint: digits.match(/../g)?.join(":") }),
    path,
  });
}

/** There is no such ticket, or its redemption would be refused by now. */
const NOT_GOOD: ReadonlySet<string> = new Set([
  "not_found",
  "access_withdrawn",
  "machine_gone",
  "machine_not_running",
]);
