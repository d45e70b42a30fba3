import { randomUUID } from "node:crypto";
import type { Clock } from "#base/clock.ts";
import type { Queries } from "../store/store.ts";
import type { MachineHost } from "./hypervisor-row.ts";
import { absentMs, roams } from "./moving.ts";

interface Which {
  readonly hypervisor: MachineHost;
  readonly address: string;
}

/** Keeps, for a time, that somebody took a machine out of its project which its hypervisor has no more. */
export async function keepWithheld(
  { clock }: { readonly clock: Clock },
  db: Queries,
  { id, hypervisor, address }: Which & { readonly id: string },
): Promise<void> {
  const now = clock.now();
  await db
    .deleteFrom("departed_withheld")
    .where("left_at", "<", now - absentMs)
    .execute();
  if (!roams(hypervisor)) return;
  // What it was before that is nobody's wish any more.
  await db.deleteFrom("departed_machines").where("address", "=", address).execute();
  await db
    .insertInto("departed_withheld")
    .values({ id, hypervisor_id: hypervisor.id, address, left_at: now })
    .execute();
}

/**
 * The id under which a machine waits that turns up, where somebody has taken it out of its project: it left a short time ago, from here or
 * elsewhere, or is on its way from another hypervisor that has it still.
 */
export async function takeWithheld(
  { clock }: { readonly clock: Clock },
  db: Queries,
  { hypervisor, address }: Which,
): Promise<string | undefined> {
  if (!roams(hypervisor)) return undefined;
  const departed = await db
    .deleteFrom("departed_withheld")
    .where("address", "=", address)
    .where("hypervisor_id", "in", (sub) =>
      sub.selectFrom("hypervisors").select("id").where("platform", "=", hypervisor.platform),
    )
    .returning(["id", "left_at"])
    .execute();
  const last = departed.toSorted((one, other) => other.left_at - one.left_at)[0];
  if (last !== undefined && clock.now() - last.left_at <= absentMs) return last.id;
  const elsewhere = await db
    .selectFrom("waiting_machines")
    .innerJoin("hypervisors", "hypervisors.id", "waiting_machines.hypervisor_id")
    .select("waiting_machines.id")
    .where("waiting_machines.address", "=", address)
    .where("waiting_machines.is_withheld", "=", 1)
    .where("hypervisors.platform", "=", hypervisor.platform)
    .executeTakeFirst();
  return elsewhere === undefined ? undefined : randomUUID();
}
