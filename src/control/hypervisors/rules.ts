import type { HypervisorRule } from "#wire/hypervisors.ts";
import { requireProject } from "../projects/projects.ts";
import type { Queries } from "../store/store.ts";

/** As they are judged: the first that fits says where a machine belongs. */
export interface Rule {
  readonly pattern: string;
  readonly projectId: string;
}

/** Into which project a machine of this name comes; undefined where no rule says so, and it waits. */
export function projectOf(name: string, rules: readonly Rule[]): string | undefined {
  return rules.find(({ pattern }) => fits(name, pattern))?.projectId;
}

/**
 * Whether the whole name is what the pattern says: * stands for any characters and ? for one. In a time that grows with the product of
 * both lengths and not worse, whatever the pattern.
 */
export function fits(name: string, pattern: string): boolean {
  const letters = [...name];
  const signs = [...pattern];
  let [letter, sign] = [0, 0];
  /** Behind the last star, and where what it stands for ends as far as is tried. */
  let retry: { readonly sign: number; readonly letter: number } | undefined;
  while (letter < letters.length) {
    if (signs[sign] === "*") {
      sign += 1;
      retry = { sign, letter };
    } else if (sign < signs.length && (signs[sign] === "?" || signs[sign] === letters[letter])) {
      sign += 1;
      letter += 1;
    } else {
      if (retry === undefined) return false;
      retry = { sign: retry.sign, letter: retry.letter + 1 };
      ({ sign, letter } = retry);
    }
  }
  return signs.slice(sign).every((left) => left === "*");
}

export async function rulesOf(db: Queries, hypervisorId: string): Promise<readonly Rule[]> {
  const rows = await db
    .selectFrom("hypervisor_rules")
    .select(["pattern", "project_id"])
    .where("hypervisor_id", "=", hypervisorId)
    .orderBy("position")
    .execute();
  return rows.map(({ pattern, project_id: projectId }) => ({ pattern, projectId }));
}

/** Puts these in place of those that it has. Throws `not_found` for a project that is not there. */
export async function writeRules(
  db: Queries,
  hypervisorId: string,
  rules: readonly HypervisorRule[],
): Promise<readonly HypervisorRule[]> {
  await db.deleteFrom("hypervisor_rules").where("hypervisor_id", "=", hypervisorId).execute();
  const written: HypervisorRule[] = [];
  for (const [position, { name: pattern, project }] of rules.entries()) {
    const { id: project_id, name } = await requireProject(db, project);
    const row = { hypervisor_id: hypervisorId, position, pattern, project_id };
    await db.insertInto("hypervisor_rules").values(row).execute();
    written.push({ name: pattern, project: name });
  }
  return written;
}
