import { type Meters, secondsSince } from "#base/process/admin/meters.ts";
import type { PROCESS_METRICS } from "#base/process/admin/process-metrics.ts";
import { type Tracing, traced } from "#base/process/tracing/tracing.ts";
import { toGatewayError } from "#wire/gateway-error.ts";
import type { Audit } from "../audit/audit.ts";
import type { Reopen } from "../consoles/reopen.ts";
import { silenceMs } from "../fleet/up.ts";
import type { KeystoneResult } from "../keystone/tokens.ts";
import type { Consoles } from "../services.ts";
import { isConsole, isLive } from "../sessions/conditions.ts";
import type { SettingValues } from "../settings/settings.ts";
import type { Store } from "../store/store.ts";
import type { RedeemNova } from "../tickets/nova-redemption.ts";
import type { Redeem } from "../tickets/redemption.ts";
import type { CONTROL_METRICS } from "./table.ts";

export type ControlMeters = Meters<keyof typeof CONTROL_METRICS | keyof typeof PROCESS_METRICS>;

/** What watches control; each is there only where somebody looks. */
export interface Observing {
  readonly meters?: ControlMeters | undefined;
  readonly tracing?: Tracing | undefined;
}

export function observeConsoles(consoles: Consoles, { meters }: Observing): Consoles {
  if (meters === undefined) return consoles;
  return {
    async open(caller, options) {
      const start = performance.now();
      try {
        const issued = await consoles.open(caller, options);
        meters.observe("porthole_control_issue_seconds", secondsSince(start));
        meters.add("porthole_control_opens_total", {
          api: options.api,
          purpose: options.purpose ?? "console",
        });
        return issued;
      } catch (error) {
        meters.add("porthole_control_refusals_total", { at: "issue", reason: codeOf(error) });
        throw error;
      }
    },
  };
}

export function observeReopen(reopen: Reopen, { meters }: Observing): Reopen {
  if (meters === undefined) return reopen;
  return async (request) => {
    try {
      return await reopen(request);
    } catch (error) {
      meters.add("porthole_control_refusals_total", { at: "reopen", reason: codeOf(error) });
      throw error;
    }
  };
}

export function observeRedeem(redeem: Redeem, { meters, tracing }: Observing): Redeem {
  if (meters === undefined && tracing === undefined) return redeem;
  return async (nodeId, request) => {
    const start = performance.now();
    const { sessionId, traceparent: parent } = request;
    const attributes = { "porthole.session.id": sessionId, "porthole.node.id": nodeId };
    const span = tracing?.start("redemption", { parent, kind: "server", attributes });
    try {
      const grant = await traced(span, async () => await redeem(nodeId, request), codeOf);
      meters?.observe("porthole_control_redemption_seconds", secondsSince(start), { result: "ok" });
      meters?.add("porthole_control_redemptions_total");
      return grant;
    } catch (error) {
      meters?.observe("porthole_control_redemption_seconds", secondsSince(start), { result: "refused" });
      meters?.add("porthole_control_refusals_total", { at: "redeem", reason: codeOf(error) });
      throw error;
    }
  };
}

/** What is to be told of each question to Keystone. */
export function observeKeystone({ meters }: Observing): (result: KeystoneResult) => void {
  return (result) => meters?.add("porthole_control_keystone_questions_total", { result });
}

/** Tokens of a Nova are no tickets, but that they were refused is told beside those. */
export function observeRedeemNova(redeemNova: RedeemNova, { meters }: Observing): RedeemNova {
  if (meters === undefined) return redeemNova;
  return async (nodeId, request) => {
    try {
      const grant = await redeemNova(nodeId, request);
      meters.add("porthole_control_redemptions_total");
      return grant;
    } catch (error) {
      meters.add("porthole_control_refusals_total", { at: "redeem", reason: codeOf(error) });
      throw error;
    }
  };
}

/** Adds what is known only when it is asked for. */
export function watchControl(
  meters: ControlMeters,
  parts: {
    readonly store: Store;
    readonly audit: Audit;
    readonly values: SettingValues;
    /** Channels of nodes that end here. */
    readonly channels: () => number;
  },
): void {
  const { store, audit, values, channels } = parts;
  meters.onRead((set) => {
    const { written, omitted, failed, writing } = audit.counters;
    for (const [told, count] of written) {
      const [action = "", result = ""] = told.split(" ");
      set("porthole_audit_rows_total", count, { action, result });
    }
    set("porthole_audit_dropped_total", omitted, { reason: "omitted" });
    set("porthole_audit_dropped_total", failed, { reason: "failed" });
    set("porthole_audit_queue_length", writing);
    set("porthole_control_link_channels", channels());
  });
  meters.onRead(async (set) => {
    // Until it has answered: a database that says nothing is waited for only so long.
    set("porthole_database_up", 0);
    const sessions = await countSessions(store);
    const { up, down } = await countNodes(store, silenceMs(values));
    for (const { protocol, state, count } of sessions)
      set("porthole_control_sessions", count, { protocol, state });
    set("porthole_control_nodes", up, { state: "up" });
    set("porthole_control_nodes", down, { state: "down" });
    const acme = await store.db.selectFrom("acme").select(["failures", "succeeded_at"]).executeTakeFirst();
    if (acme !== undefined) set("porthole_acme_failures", acme.failures);
    if (acme?.succeeded_at != null)
      set("porthole_acme_last_success_timestamp_seconds", acme.succeeded_at / 1000);
    set("porthole_database_up", 1);
  });
}

/** Off the index of sessions that live. */
async function countSessions({ db }: Store) {
  return await db
    .selectFrom("sessions")
    .select(["protocol", "state"])
    .select((select) => select.fn.countAll<number>().as("count"))
    .where(isConsole)
    .where(isLive)
    .groupBy(["protocol", "state"])
    .execute();
}

async function countNodes({ db, now }: Store, silence: number) {
  const rows = await db
    .selectFrom("nodes")
    .select(["incarnation", "seen_at", now.as("now")])
    .execute();
  const up = rows.filter((row) => row.incarnation !== null && row.seen_at > row.now - silence).length;
  return { up, down: rows.length - up };
}

export function codeOf(error: unknown): string {
  return toGatewayError(error).code;
}
