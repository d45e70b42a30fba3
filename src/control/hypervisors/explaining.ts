import { setTimeout as delay } from "node:timers/promises";
import type { Log } from "#base/process/log.ts";
import type { KnownMachine } from "#hypervisors/driver.ts";
import type { ErrorCode } from "#wire/errors.ts";
import type { WhyRequest, WhyResponse } from "#wire/link-why.ts";
import { INTEGER, prepare, TEXT } from "../store/prepared.ts";
import type { Store } from "../store/store.ts";
import type { DriverPool } from "./driver-pool.ts";
import type { Inventory } from "./inventory.ts";
import { lookWhereItWent, seek } from "./whereabouts.ts";

const limits = {
  /** Rests between looks at a machine that is said to run: each twice as long as the one before. */
  firstRestMs: 200,
  /**
   * Of the time that the node waits. A machine's QEMU is gone a moment before its hypervisor says so, longer where that is busy: so long
   * it is looked at again.
   */
  shareSettling: 0.4,
  /** For the hypervisor's answers in all: libvirt may say nothing of a machine while it takes its QEMU down. */
  shareHere: 0.6,
  /** For those that may have it by now, one beside the other. */
  shareElsewhere: 0.25,
} as const;

interface Parts {
  readonly store: Store;
  readonly driverPool: Pick<DriverPool, "seek">;
  readonly inventory: Inventory;
  readonly log: Log;
}

interface Place {
  readonly machineId: string;
  readonly hypervisorId: string;
  readonly address: string;
  readonly withinMs: number;
}

/** Says to a node why the upstream of one of its sessions has closed, as long as it waits. Throws where the database is away. */
export type Explain = (nodeId: string, request: WhyRequest) => Promise<WhyResponse>;

/**
 * A console closes before anybody has told that its machine moved, stopped or was deleted: the hypervisor is asked, and what it says is
 * written down as if it had told, so that sessions end with the same words and the next console is opened where the machine is by
 * now. Of one machine there is one look at a time, however many ask; each hypervisor has its bounds (driver-pool.ts).
 */
export function createExplaining(parts: Parts): Explain {
  const { store, log } = parts;
  const find = prepareFind(store);
  const looks = new Map<string, Promise<ErrorCode | undefined>>();

  const look = (place: Place) => {
    const { machineId } = place;
    const there = looks.get(machineId);
    if (there !== undefined) return there;
    const made = lookAt(parts, place)
      .catch((error: unknown) => {
        log.debug({ error, machineId }, "Why a console closed, its hypervisor does not say");
        return undefined;
      })
      .finally(() => looks.delete(machineId));
    looks.set(machineId, made);
    return made;
  };

  return async (nodeId, { incarnation, sessionId, attachment, withinMs }) => {
    const key = { id: sessionId, nodeId, incarnation, attachment };
    const [session] = await find(store.db, key);
    if (session === undefined) return {};
    if (session.ending_code !== null) return reason(session.ending_code, session.ending_detail);
    const { machine_id: machineId, hypervisor_id: hypervisorId, address } = session;
    if (hypervisorId === null || address === null) return {};
    const seen = await look({ machineId, hypervisorId, address, withinMs });
    // What was written down has told the session by now.
    const [after] = await find(store.db, key);
    if (after?.ending_code != null) return reason(after.ending_code, after.ending_detail);
    return reason(seen, null);
  };
}

function reason(code: ErrorCode | undefined, detail: string | null): WhyResponse {
  return { ...(code === undefined ? {} : { code }), ...(detail === null ? {} : { detail }) };
}

/** What became of a machine; undefined where it is where it was. Throws where its hypervisor does not answer. */
async function lookAt(parts: Parts, place: Place): Promise<ErrorCode | undefined> {
  const known = await untilItLeft(parts.driverPool, place);
  if (known !== undefined && known.power !== "stopped") return undefined;
  const now = await lookWhereItWent(parts, { ...place, known, ms: place.withinMs * limits.shareElsewhere });
  if (now !== undefined && now !== place.hypervisorId) return "machine_moved";
  return known === undefined ? "machine_gone" : "machine_not_running";
}

/** The machine as its hypervisor has it once it does not run there any more, or at the end. */
async function untilItLeft(
  driverPool: Parts["driverPool"],
  { hypervisorId: id, address, withinMs }: Place,
): Promise<KnownMachine | undefined> {
  const begin = performance.now();
  for (let restMs = limits.firstRestMs; ; restMs *= 2) {
    const leftMs = begin + withinMs * limits.shareHere - performance.now();
    const known = await seek(driverPool, { id, address, ms: leftMs });
    const hasLeft = known === undefined || known.power === "stopped";
    if (hasLeft || performance.now() + restMs > begin + withinMs * limits.shareSettling) return known;
    await delay(restMs, undefined, { ref: false });
  }
}

function prepareFind(store: Store) {
  const kinds = { id: TEXT, nodeId: TEXT, incarnation: TEXT, attachment: INTEGER };
  return prepare(store, kinds, (db, { id, nodeId, incarnation, attachment }) =>
    db
      .selectFrom("sessions")
      .leftJoin("machines", "machines.id", "sessions.machine_id")
      .select(["sessions.machine_id", "sessions.ending_code", "sessions.ending_detail"])
      .select(["machines.hypervisor_id", "machines.address"])
      .where("sessions.id", "=", id)
      .where("sessions.node_id", "=", nodeId)
      .where("sessions.incarnation", "=", incarnation)
      .where("sessions.attachment", "=", attachment),
  );
}
