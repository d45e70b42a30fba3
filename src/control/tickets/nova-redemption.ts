import type { Clock } from "#base/clock.ts";
import type { Log } from "#base/process/log.ts";
import { canonicalAddress } from "#wire/address.ts";
import type { ErrorCode } from "#wire/errors.ts";
import { GatewayError, toGatewayError } from "#wire/gateway-error.ts";
import { type Grant, toGranted } from "#wire/grant.ts";
import type { RedeemNovaRequest } from "#wire/link-nova.ts";
import { ALL_RIGHTS } from "#wire/rights.ts";
import { FailureLimit } from "../api/failure-limit.ts";
import type { Audit } from "../audit/audit.ts";
import type { NovaBehind } from "../openstack/config.ts";
import { type ConsoleConnection, createConsoleTokens } from "../openstack/console-tokens.ts";
import { consoleUpstream } from "../openstack/console-upstream.ts";
import type { SettingValues } from "../settings/settings.ts";
import type { Store } from "../store/store.ts";
import { createNovaSessions, NOVA_ACCOUNT, redeemedEntry } from "./nova-sessions.ts";

interface Parts {
  readonly store: Store;
  readonly audit: Audit;
  readonly values: SettingValues;
  readonly clock: Clock;
  readonly log: Log;
  /** The Nova that gives out the tokens, if this installation stands in front of one. */
  readonly novaBehind?: NovaBehind | undefined;
}

/** Turns a token of a Nova into the grant of its console. Throws the error that the viewer is to be told. */
export type RedeemNova = (nodeId: string, request: RedeemNovaRequest) => Promise<Grant>;

/** What an operator has to mend. */
const NEWS: ReadonlySet<ErrorCode> = new Set(["nova_unreachable", "nova_refused"]);

/**
 * INVARIANT: a token of a Nova is redeemed as Nova knows it at that moment, and at most once, by whoever comes first, unless
 * `nova.tokens.reuse` says otherwise: then as often as Nova takes it for good. Nova tells neither whose a token is nor what
 * its holder may do; so whoever has one may do everything with the console, and the session has no account.
 */
export function createNovaRedemption({ novaBehind, ...parts }: Parts): RedeemNova {
  if (novaBehind === undefined)
    return async () => {
      throw new GatewayError("ticket_invalid");
    };
  const { audit, values, clock, log } = parts;
  const findConsole = createConsoleTokens(novaBehind.cloud, clock);
  const openSession = createNovaSessions(parts);
  const failures = new FailureLimit(clock);

  return async (nodeId, { token, console, viewerAddress, ...request }) => {
    const viewer = canonicalAddress(viewerAddress) ?? viewerAddress;
    const known: { connection?: ConsoleConnection } = {};
    try {
      const connection = await find(token, viewer);
      known.connection = connection;
      const upstream = consoleUpstream(connection, { console, vnc: novaBehind.vnc });
      const machine = { id: connection.instance_uuid, name: connection.instance_uuid };
      const { sessionId, attachment } = await openSession(
        { nodeId, incarnation: request.incarnation },
        {
          ...{ token, nonce: request.nonce, viewer, machine, protocol: console },
          isReusable: values.value("nova.tokens.reuse"),
        },
      );
      return {
        ...{ sessionId, attachment, machine },
        protocol: console,
        upstream: toGranted(upstream),
        rights: ALL_RIGHTS,
        account: NOVA_ACCOUNT.name,
        // Nobody is on record whose right could be judged anew: a new link is Nova's to give.
        reopen: "",
      };
    } catch (thrown) {
      const error = toGatewayError(thrown);
      if (NEWS.has(error.code)) log.warn({ error }, "Nova could not be asked about a console's token");
      const id = known.connection?.instance_uuid;
      await audit.recordRefusal(redeemedEntry(nodeId, { viewer, machine: { id, name: id } }), error);
      throw error;
    }
  };

  async function find(token: string, viewer: string): Promise<ConsoleConnection> {
    failures.check(viewer);
    try {
      return await findConsole(token, viewer);
    } catch (error) {
      if (toGatewayError(error).code === "ticket_invalid") failures.failed(viewer);
      throw error;
    }
  }
}
