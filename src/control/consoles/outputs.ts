import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { Clock } from "#base/clock.ts";
import { Secret } from "#base/secret.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { Audit } from "../audit/audit.ts";
import { Pictures } from "../audit/pictures.ts";
import type { Cluster } from "../cluster/cluster.ts";
import { type Drivers, driverOf, toDriverMachine } from "../machines/driver-machine.ts";
import { MACHINE_COLUMNS, type MachineRow } from "../machines/machine-row.ts";
import { maySeeProject, requireLook } from "../rights.ts";
import type { Caller, ConsoleOutputs } from "../services.ts";
import { isConsole } from "../sessions/conditions.ts";
import { INTEGER, prepare, TEXT } from "../store/prepared.ts";
import type { Store } from "../store/store.ts";
import type { Place, Vault } from "../vault/vault.ts";
import { requireConsole } from "./running.ts";

const limits = {
  /** For the node's answer, a little longer than it is asked for. */
  waitMs: 12_000,
  lookEveryMs: 50,
  /** A question that is older has nobody who waits for its answer. */
  keptMs: 60_000,
  /** Machines that are being asked about at once by this replica; whoever asks about the same one shares the answer. */
  asked: 64,
} as const;

interface Parts {
  readonly store: Store;
  readonly cluster: Cluster;
  readonly audit: Audit;
  readonly vault: Vault;
  readonly drivers: Drivers;
  readonly clock: Clock;
}

/** What a node is to be asked. */
interface AskedOutput {
  readonly run: string;
  readonly machineId: string;
}

/** The same questions, for whoever puts them to nodes. */
export interface OutputQuestions {
  /** What the node is to be told next, which it is from then on. */
  take(nodeId: string): Promise<AskedOutput | undefined>;
  /** Undefined: it does not have the line open. Nothing is written down where nobody waits any more. */
  answer(run: string, output: string | undefined): Promise<void>;
}

/**
 * What serial lines have said. That is in the memory of the node that has the line, and comes by way of the database, since another replica
 * may hold the node's channel: sealed, and gone as soon as it was read.
 */
export function createConsoleOutputs(parts: Parts): ConsoleOutputs {
  const { store, audit, vault, drivers, clock } = parts;
  const pictures = new Pictures(clock);
  /** By machine. */
  const asking = new Map<string, Promise<string>>();
  const findMachine = prepare(store, { id: TEXT }, (db, { id }) =>
    db.selectFrom("machines").select(MACHINE_COLUMNS).where("id", "=", id),
  );
  const findNode = prepare(store, { machineId: TEXT }, (db, { machineId }) =>
    db
      .selectFrom("sessions")
      .select("node_id")
      .where("machine_id", "=", machineId)
      .where("protocol", "=", "serial")
      .where("state", "=", "active")
      .where(isConsole)
      .limit(1),
  );

  return {
    async read(caller, machineId) {
      const [machine] = await findMachine(store.db, { id: machineId });
      if (machine === undefined || !maySeeProject(caller, machine.project_id))
        throw new GatewayError("not_found", { detail: "machine" });
      requireLook(caller);
      await requireConsole(driverOf(drivers, machine.driver), toDriverMachine(machine, vault, "serial"));
      const output = await shared(machineId);
      await tell(caller, machine);
      return output;
    },
  };

  async function shared(machineId: string): Promise<string> {
    const under = asking.get(machineId);
    if (under !== undefined) return await under;
    if (asking.size >= limits.asked) throw new GatewayError("rate_limited");
    const asked = ask(machineId).finally(() => asking.delete(machineId));
    asking.set(machineId, asked);
    return await asked;
  }

  async function ask(machineId: string): Promise<string> {
    const [session] = await findNode(store.db, { machineId });
    const output = session === undefined ? undefined : await askNode(parts, session.node_id, machineId);
    if (output === undefined) throw new GatewayError("line_closed");
    return output;
  }

  async function tell(caller: Caller, { id, name }: Pick<MachineRow, "id" | "name">): Promise<void> {
    const object = { kind: "machine", id, name } as const;
    const order = { purpose: "thumbnail", account: { id: caller.accountId }, machine: object } as const;
    if (!pictures.isWorthTelling(order)) return;
    const entry = { action: "machine.output", by: caller, object } as const;
    await store.db.transaction().execute(async (db) => await audit.record(db, entry));
  }
}

/** Undefined where the node does not have the line open, or does not say. */
async function askNode(
  { store, cluster, vault }: Parts,
  nodeId: string,
  machineId: string,
): Promise<string | undefined> {
  const run = randomUUID();
  await store.db.transaction().execute(async (db) => {
    const old = store.now;
    await db
      .deleteFrom("console_outputs")
      .where("asked_at", "<=", (where) => where(old, "-", limits.keptMs))
      .execute();
    await db
      .insertInto("console_outputs")
      .values({ run, node_id: nodeId, machine_id: machineId, asked_at: store.now })
      .execute();
    await cluster.publish(db, "node", nodeId);
  });
  try {
    const deadline = performance.now() + limits.waitMs;
    for (;;) {
      const row = await store.db
        .selectFrom("console_outputs")
        .select(["answered_at", "output_sealed"])
        .where("run", "=", run)
        .executeTakeFirst();
      if (row === undefined) return undefined;
      if (row.answered_at !== null)
        return row.output_sealed === null ? undefined : vault.open(row.output_sealed, placeOf(run)).expose();
      if (performance.now() >= deadline) throw new GatewayError("node_away");
      await delay(limits.lookEveryMs);
    }
  } finally {
    await store.db.deleteFrom("console_outputs").where("run", "=", run).execute();
  }
}

export function createOutputQuestions({ store, vault }: Pick<Parts, "store" | "vault">): OutputQuestions {
  // Looked for whenever the node is heard of, and hardly ever there.
  const findUntold = prepare(store, { nodeId: TEXT, waitMs: INTEGER }, (db, { nodeId, waitMs }) =>
    db
      .selectFrom("console_outputs")
      .select(["run", "machine_id"])
      .where("node_id", "=", nodeId)
      .where("told", "=", 0)
      .where("asked_at", ">", (where) => where(store.now, "-", waitMs))
      .orderBy("asked_at")
      .limit(1),
  );
  return {
    async take(nodeId) {
      const [row] = await findUntold(store.db, { nodeId, waitMs: limits.waitMs });
      if (row === undefined) return undefined;
      const { numUpdatedRows } = await store.db
        .updateTable("console_outputs")
        .set({ told: 1 })
        .where("run", "=", row.run)
        .where("told", "=", 0)
        .executeTakeFirst();
      return numUpdatedRows === 0n ? undefined : { run: row.run, machineId: row.machine_id };
    },

    async answer(run, output) {
      const sealed = output === undefined ? null : vault.seal(new Secret(output), placeOf(run));
      await store.db
        .updateTable("console_outputs")
        .set({ answered_at: store.now, output_sealed: sealed })
        .where("run", "=", run)
        .execute();
    },
  };
}

function placeOf(run: string): Place {
  return { table: "console_outputs", row: run, column: "output_sealed" };
}
