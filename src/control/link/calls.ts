import type { TSchema } from "typebox";
import { Compile } from "typebox/schema";
import { GatewayError } from "#wire/gateway-error.ts";
import {
  DeregisterRequest,
  HeartbeatRequest,
  LINK_CALLS,
  type LinkCall,
  type Question,
  RedeemRequest,
  RegisterRequest,
  RenewedRequest,
  RenewRequest,
  ReopenRequest,
  ReportRequest,
} from "#wire/link.ts";
import { RedeemNovaRequest } from "#wire/link-nova.ts";
import { PowerRequest } from "#wire/link-power.ts";
import { RefusedRequest } from "#wire/link-refusals.ts";
import { CheckedRequest } from "#wire/link-self-check.ts";
import { WhyRequest } from "#wire/link-why.ts";
import type { Reopen } from "../consoles/reopen.ts";
import type { Registry } from "../fleet/registry.ts";
import type { Renewal } from "../fleet/renewal.ts";
import type { Explain } from "../hypervisors/explaining.ts";
import type { NodeChecks } from "../self-check/node-checks.ts";
import type { PowerOf } from "../sessions/power.ts";
import type { TakeReports } from "../sessions/reports.ts";
import type { NoteRefusals } from "../tickets/node-refusals.ts";
import type { RedeemNova } from "../tickets/nova-redemption.ts";
import type { Redeem } from "../tickets/redemption.ts";

/** What the calls hand on to. */
export interface CallParts {
  readonly registry: Registry;
  readonly redeem: Redeem;
  readonly redeemNova: RedeemNova;
  readonly reopen: Reopen;
  readonly powerOf: PowerOf;
  readonly takeReports: TakeReports;
  readonly noteRefusals: NoteRefusals;
  readonly explain: Explain;
  readonly renewal: Renewal;
  readonly checks: NodeChecks;
}

/** Answers a node's question. Throws what it is refused with. */
export type AnswerCall = (nodeId: string, question: Question) => Promise<unknown>;

/** All that a node can ask. Who it is comes from its certificate, never from what it says. */
export function createCalls(parts: CallParts): AnswerCall {
  const { registry, redeem, reopen, powerOf, takeReports, noteRefusals, explain, renewal, checks } = parts;
  const calls: Readonly<Record<LinkCall, AnswerCall>> = {
    register: checked(RegisterRequest, registry.register),
    heartbeat: checked(HeartbeatRequest, registry.heartbeat),
    deregister: checked(DeregisterRequest, registry.deregister),
    renew: checked(RenewRequest, renewal.renew),
    // Who asks with the new certificate has been settled on: see server.ts.
    renewed: checked(RenewedRequest, async () => ({})),
    checked: checked(
      CheckedRequest,
      async (nodeId, request: CheckedRequest) => await checks.answer(nodeId, request),
    ),
    redeem: checked(RedeemRequest, redeem),
    "redeem-nova": checked(RedeemNovaRequest, parts.redeemNova),
    reopen: checked(ReopenRequest, async (_nodeId, body: ReopenRequest) => await reopen(body)),
    power: checked(PowerRequest, powerOf),
    report: checked(
      ReportRequest,
      async (nodeId, { incarnation, reports }: ReportRequest) =>
        await takeReports({ nodeId, incarnation }, reports),
    ),
    why: checked(WhyRequest, explain),
    refused: checked(
      RefusedRequest,
      async (nodeId, { refusals }: RefusedRequest) => await noteRefusals(nodeId, refusals),
    ),
  };
  return async (nodeId, question) => {
    const { call } = question;
    if (!isLinkCall(call)) throw new GatewayError("not_found", { detail: "call" });
    return await calls[call](nodeId, question);
  };
}

function isLinkCall(name: string): name is LinkCall {
  return (LINK_CALLS as readonly string[]).includes(name);
}

function checked<Body>(
  schema: TSchema,
  handle: (nodeId: string, body: Body) => Promise<unknown>,
): AnswerCall {
  const compiled = Compile(schema);
  return async (nodeId, { body }) => {
    if (!compiled.Check(body)) {
      const [, [first]] = compiled.Errors(body);
      throw new GatewayError("request_invalid", {
        detail: `body${first?.instancePath ?? ""} ${first?.message ?? "is not of the call"}`,
      });
    }
    return (await handle(nodeId, body as Body)) ?? {};
  };
}
