import type { Caller, TicketPurpose } from "#control/services.ts";
import type { ErrorCode } from "#wire/errors.ts";
import type { Grant } from "#wire/grant.ts";
import type { SessionReport } from "#wire/link.ts";
import type { OneControl, TestNode } from "./control.ts";

interface AttemptOptions {
  readonly by?: Caller;
  readonly purpose?: TicketPurpose;
  readonly nonce?: string;
}

/** A console up to its ticket, which its node is about to redeem. */
export interface Ticketed {
  readonly sessionId: string;
  /** Asks for the grant, at whichever replica. */
  redeem(at?: OneControl): Promise<Grant>;
}

export async function ticket(
  control: OneControl,
  machineId: string,
  { by = control.admin, purpose = "console", nonce }: AttemptOptions = {},
): Promise<Ticketed> {
  const order = { machineId, api: "native", purpose } as const;
  const { sessionId } = await control.services.consoles.open(by, order);
  const { node_id: nodeId, incarnation } = await seatOf(control, sessionId);
  const question = {
    ...{ incarnation, sessionId, attachment: 1, viewerAddress: "198.51.100.7" },
    ...(purpose === "console" ? {} : { purpose }),
    ...(nonce === undefined ? {} : { nonce }),
  };
  return { sessionId, redeem: async (at = control) => await at.link.redeem(nodeId, question) };
}

/** Opens a console up to its grant; resolves to its session. */
export async function attempt(
  control: OneControl,
  machineId: string,
  options: AttemptOptions = {},
): Promise<string> {
  const { sessionId, redeem } = await ticket(control, machineId, options);
  await redeem();
  return sessionId;
}

/** One whose hypervisor says no. */
export async function fail(
  control: OneControl,
  machineId: string,
  code: ErrorCode = "upstream_authentication_failed",
): Promise<void> {
  await reportFailed(control, await attempt(control, machineId), code);
}

export async function reportFailed(
  control: OneControl,
  sessionId: string,
  code: ErrorCode = "upstream_authentication_failed",
): Promise<void> {
  await report(control, sessionId, { state: "ended", ending: { kind: "failed", code } });
}

export async function report(
  control: OneControl,
  sessionId: string,
  said: Pick<SessionReport, "state"> & Partial<SessionReport>,
): Promise<void> {
  const { node_id: nodeId, incarnation } = await seatOf(control, sessionId);
  const at = control.clock.now();
  await control.link.takeReports({ nodeId, incarnation }, [
    { sessionId, attachment: 1, at, bytesToViewer: 0, bytesFromViewer: 0, ...said },
  ]);
}

/** Time in which the nodes are heard of. */
export async function pass(control: OneControl, ms: number, ...nodes: readonly TestNode[]): Promise<void> {
  control.clock.advance(ms);
  for (const { id: nodeId, incarnation } of nodes)
    await control.link.takeReports({ nodeId, incarnation }, []);
}

async function seatOf({ store }: OneControl, sessionId: string) {
  return await store.db
    .selectFrom("sessions")
    .select(["node_id", "incarnation"])
    .where("id", "=", sessionId)
    .executeTakeFirstOrThrow();
}
