import type { KnownMachine } from "#hypervisors/driver.ts";
import { HypervisorError } from "#hypervisors/hypervisor-error.ts";
import type { Queries, Store } from "../store/store.ts";
import { findHypervisor } from "./hypervisor-row.ts";
import { hypervisorLock } from "./inventory.ts";

interface Answered {
  readonly hypervisorId: string;
  /** As its driver has it: HypervisorDriver.identity. */
  readonly identity: string;
  readonly known: readonly KnownMachine[];
}

/**
 * Keeps what a hypervisor is known by. Throws where another one answers, which has none of the machines on record: its address was
 * mistyped, or its name leads elsewhere by now, and what is on record would be taken for gone. One that has some of them is the same
 * by another name: a host whose board was changed.
 */
export async function recognise(store: Store, { hypervisorId, identity, known }: Answered): Promise<void> {
  const before = await findHypervisor(store.db, hypervisorId);
  if (before === undefined || before.identity === identity) return;
  await store.db.transaction().execute(async (db) => {
    await store.lock(db, hypervisorLock(hypervisorId));
    await refuseAnother(db, { hypervisorId, identity, known });
    await db.updateTable("hypervisors").set({ identity }).where("id", "=", hypervisorId).execute();
  });
}

/** The same, of one that is only asked. */
export async function refuseAnother(db: Queries, { hypervisorId, identity, known }: Answered): Promise<void> {
  const row = await findHypervisor(db, hypervisorId);
  if (row === undefined || row.identity === identity) return;
  const there = new Set(known.map(({ address }) => address));
  const recorded = await addressesOf(db, hypervisorId);
  if (recorded.length === 0 || recorded.some((address) => there.has(address))) return;
  const was = row.identity === null ? "" : `, and not ${row.identity}`;
  throw new HypervisorError(
    "answer",
    `another hypervisor answers, ${identity}${was}: it has none of the ${recorded.length} machines on record, and nothing of it is taken in; correct the address (hypervisor update --address), or remove the hypervisor and add it anew`,
  );
}

async function addressesOf(db: Queries, hypervisorId: string): Promise<readonly string[]> {
  const of = (table: "machines" | "waiting_machines") =>
    db.selectFrom(table).select("address").where("hypervisor_id", "=", hypervisorId);
  return (await of("machines").unionAll(of("waiting_machines")).execute()).map(({ address }) => address);
}
