import { GatewayError } from "#wire/gateway-error.ts";
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
    const { machineId, host, port, path } = await services.tickets.whereTo(
      caller,
      parameterOf(call, "token"),
    );
    if (version < limits.firstVersion)
      throw new NovaFault(400, "The requested console type details are not accessible");
    return {
      console: {
        instance_uuid: machineId,
        host: host ?? null,
        port: port ?? null,
        internal_access_path: path ?? null,
      },
    };
  } catch (error) {
    if (error instanceof GatewayError && NOT_GOOD.has(error.code))
      throw new NovaFault(404, "Token not found");
    throw error;
  }
}

/** There is no such ticket, or its redemption would be refused by now. */
const NOT_GOOD: ReadonlySet<string> = new Set([
  "not_found",
  "access_withdrawn",
  "machine_gone",
  "machine_not_running",
]);
