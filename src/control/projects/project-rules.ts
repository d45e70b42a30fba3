import { GatewayError } from "#wire/gateway-error.ts";
import type { Queries } from "../store/store.ts";

/** Throws `conflict` while machines are to come into the project by a rule. */
export async function refuseWhileRuled(db: Queries, projectId: string): Promise<void> {
  const ruling = await db
    .selectFrom("hypervisor_rules")
    .innerJoin("hypervisors", "hypervisors.id", "hypervisor_rules.hypervisor_id")
    .select("hypervisors.name")
    .where("hypervisor_rules.project_id", "=", projectId)
    .limit(1)
    .executeTakeFirst();
  if (ruling !== undefined)
    throw new GatewayError("conflict", {
      detail: `a rule of the hypervisor ${ruling.name} puts machines into the project`,
    });
}
