import type { ErrorCode } from "#wire/errors.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import { type Grant, type Protocol, toGranted, type Upstream } from "#wire/grant.ts";
import { ALL_RIGHTS } from "#wire/rights.ts";
import type { TicketClaims } from "#wire/ticket.ts";

/** What a test says about one console; the rest is what a good one has. */
export interface ConsoleOptions {
  readonly protocol?: Protocol;
  readonly upstream?: Upstream;
  readonly rights?: Grant["rights"];
  readonly machineId?: string;
  readonly machineName?: string;
  readonly account?: string;
  readonly takesOrders?: boolean;
  readonly askWhy?: boolean;
  readonly extra?: string;
  readonly claims?: Partial<TicketClaims>;
  /** What redemption is answered with instead of a grant. */
  readonly refusal?: ErrorCode;
  /** The generation of the key that seals the ticket; the newest if absent. */
  readonly generation?: number;
}

/** What its ticket is redeemed for. */
export function grantOf(sessionId: string, options: ConsoleOptions): Grant | GatewayError {
  if (options.refusal !== undefined) return new GatewayError(options.refusal);
  return {
    sessionId,
    attachment: 1,
    machine: { id: options.machineId ?? "machine-1", name: options.machineName ?? "web-1" },
    protocol: options.protocol ?? "rfb",
    upstream: toGranted(options.upstream ?? { address: { kind: "tcp", host: "127.0.0.1", port: 1 } }),
    rights: options.rights ?? ALL_RIGHTS,
    ...(options.takesOrders === undefined ? {} : { takesOrders: options.takesOrders }),
    ...(options.askWhy === undefined ? {} : { askWhy: options.askWhy }),
    ...(options.account === undefined ? {} : { account: options.account }),
    reopen: `reopen-${sessionId}`,
  };
}
