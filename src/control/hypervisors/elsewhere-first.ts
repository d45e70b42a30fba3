import { isLive } from "../sessions/conditions.ts";
import type { Store } from "../store/store.ts";
import type { DriverPool } from "./driver-pool.ts";
import type { Inventory } from "./inventory.ts";
import { takeElsewhere } from "./whereabouts.ts";

const limits = {
  /** Of those that left at the same time. Of more, a host is emptied, and what is not asked for is told soon. */
  machines: 50,
  /** For all of them: what their old hypervisor says waits for that long. */
  answerMs: 3_000,
} as const;

interface Parts {
  readonly store: Store;
  readonly driverPool: Pick<DriverPool, "seek">;
  readonly inventory: Inventory;
}

/** What a hypervisor says that it has, or of some machines alone. */
export interface Seen {
  readonly running: ReadonlySet<string>;
  /** The addresses that it was asked of; "all" when it was asked what it has. */
  readonly asked: "all" | readonly string[];
  /** Of which it could not say whether it has them. */
  readonly isUnheard?: (address: string) => boolean;
}

/**
 * To be called before it is written down that machines do not run any more where they did. Of two hypervisors between which one moves, the one
 * that it left often tells first: whoever has its console open would hear that it was stopped. So those that may have it are asked, and what
 * they say is written down before. Machines without an open console have nobody who would hear it.
 */
export async function lookElsewhereFirst(
  parts: Parts,
  hypervisorId: string,
  { running, asked, isUnheard = () => false }: Seen,
): Promise<void> {
  if (asked !== "all" && asked.every((address) => running.has(address))) return;
  const open = await parts.store.db
    .selectFrom("machines")
    .innerJoin("sessions", "sessions.machine_id", "machines.id")
    .select("machines.address")
    .distinct()
    .where("machines.hypervisor_id", "=", hypervisorId)
    .where(isLive)
    .where((where) => where.or([where("power", "is", null), where("power", "<>", "stopped")]))
    .execute();
  const left = open
    .map(({ address }) => address)
    .filter((address) => !running.has(address) && (asked === "all" || asked.includes(address)))
    .filter((address) => !isUnheard(address))
    .slice(0, limits.machines);
  await Promise.all(
    left.map(async (address) => await takeElsewhere(parts, { hypervisorId, address, ms: limits.answerMs })),
  );
}
