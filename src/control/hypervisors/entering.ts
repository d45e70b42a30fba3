import type { KnownMachine } from "#hypervisors/driver.ts";
import type { MachineState } from "#wire/api.ts";
import type { PowerState } from "#wire/machine-origin.ts";
import { HYPERVISOR_DRIVER } from "../machines/driver-machine.ts";
import { nameKey } from "../names.ts";
import type { Queries } from "../store/store.ts";

const limits = {
  /** As in the schemas of wire/api.ts. */
  nameCharacters: 128,
  /** Of a name that is taken in all its other forms: numbers that are tried by one statement. */
  numbersAtOnce: 50,
} as const;

interface Entering extends KnownMachine {
  readonly id: string;
  readonly hypervisor: { readonly id: string; readonly name: string };
  readonly projectId: string;
  readonly now: number;
}

/** Writes a machine of a hypervisor into its project. Whoever calls has the hypervisor's lock. */
export async function enterProject(db: Queries, machine: Entering): Promise<{ readonly name: string }> {
  const { id, hypervisor, projectId: project_id, address, power, guest, now } = machine;
  const name = await freeName(db, { ...machine, name: printableName(machine) });
  const row = {
    ...{ id, project_id, name, name_key: nameKey(name), address, power, guest },
    protocol: "rfb" as const,
    driver: HYPERVISOR_DRIVER,
    ...{ password_sealed: null, username: null, tls: null, client_key_sealed: null },
    state: stateOf(power),
    hypervisor_id: hypervisor.id,
    created_at: now,
  };
  await db
    .insertInto("machines")
    .values((values) => ({
      ...row,
      pool: values.selectFrom("hypervisors").select("pool").where("id", "=", hypervisor.id),
    }))
    .execute();
  return { name };
}

/** What the platform calls it, as far as that can be a name here: see cleanName. */
export function printableName({ name, address }: Pick<KnownMachine, "name" | "address">): string {
  const printable = name
    .normalize("NFC")
    .replace(/[\p{C}\p{Zl}\p{Zp}]/gu, "\uFFFD")
    .trim();
  return cut(printable === "" ? address : printable, limits.nameCharacters);
}

/**
 * The name under which a machine stands in a project. Where another machine has it already, the hypervisor's name is put behind it,
 * and where that is taken as well, the hypervisor's own name for the machine. Who names machines on the platform can take those too: so
 * it is numbered in the end, for no name is to keep the hypervisor's other machines out.
 */
export async function freeName(
  db: Queries,
  {
    id,
    projectId,
    name,
    hypervisor,
    address,
  }: Pick<Entering, "id" | "projectId" | "name" | "hypervisor" | "address">,
): Promise<string> {
  let candidates = [name, ...[hypervisor.name, address].map((suffix) => withSuffix(name, `@${suffix}`))];
  for (let number = 2; ; number += limits.numbersAtOnce) {
    const taken = await db
      .selectFrom("machines")
      .select("name")
      .where("project_id", "=", projectId)
      .where("id", "<>", id)
      .where("name", "in", candidates)
      .execute();
    const others = new Set(taken.map((row) => row.name));
    const free = candidates.find((candidate) => !others.has(candidate));
    if (free !== undefined) return free;
    candidates = Array.from({ length: limits.numbersAtOnce }, (_, index) =>
      withSuffix(name, `@${number + index}`),
    );
  }
}

/** What is not known to be stopped is let have its console: the hypervisor is asked when somebody wants it. */
export function stateOf(power: PowerState): MachineState {
  return power === "stopped" ? "stopped" : "running";
}

function withSuffix(name: string, suffix: string): string {
  const room = limits.nameCharacters - [...suffix].length;
  return room > 0 ? `${cut(name, room)}${suffix}` : cut(suffix, limits.nameCharacters);
}

/** By code points, as names are counted. */
function cut(text: string, characters: number): string {
  return [...text].slice(0, characters).join("");
}
