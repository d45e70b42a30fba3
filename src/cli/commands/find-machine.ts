import { Machine } from "#wire/api.ts";
import { find, getById, type Invocation } from "../invocation.ts";

/** The machine that a name or an id means. */
export async function findMachine(
  invocation: Invocation,
  text: string,
  project: string | undefined,
): Promise<Machine> {
  return await find(text, {
    noun: "machine",
    byId: async (id) => await getById(invocation, ["machines", id], Machine),
    byName: async (name) => {
      const named = await invocation.api.list(["machines"], Machine, { query: { name } });
      return named.filter((machine) => isOf(machine, project));
    },
    distinction: (machines) =>
      `Say which by --project: ${machines.map((machine) => machine.project).join(", ")}.`,
  });
}

/** Whether it is of the project with this name or id, or no project is said. */
export function isOf(machine: Machine, project: string | undefined): boolean {
  return project === undefined || machine.project === project || machine.projectId === project;
}
