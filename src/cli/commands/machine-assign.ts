import type { Command } from "commander";
import { Machine } from "#wire/api.ts";
import { WaitingMachine } from "#wire/hypervisors.ts";
import { action, type CliContext, find, getById, type Invocation } from "../invocation.ts";

/** Into which project a machine comes. */
export function assignCommand(machine: Command, context: CliContext): void {
  machine
    .command("assign <machine>")
    .description("Put a machine into a project, one that waits or one of another project, whose consoles end")
    .requiredOption("--project <project>", "name or id of the project")
    .action(action(context, assign));
}

/** Those of hypervisors that wait for a project. */
export async function listWaiting({ api, output }: Invocation): Promise<void> {
  output.list(
    await api.list(["waiting-machines"], WaitingMachine),
    [
      { title: "NAME", value: ({ name }) => name },
      { title: "HYPERVISOR", value: ({ hypervisor }) => hypervisor.name },
      { title: "STATE", value: ({ power }) => power },
      { title: "GUEST", value: ({ guest }) => (guest === "unknown" ? undefined : guest) },
      { title: "ADDRESS", value: ({ address }) => address },
      { title: "ID", keep: true, value: ({ id }) => id },
    ],
    "No machines wait. Those of hypervisors come into a project by rules, or wait here.",
  );
}

async function assign(
  invocation: Invocation,
  text: string,
  { project }: { readonly project: string },
): Promise<void> {
  const { api, output } = invocation;
  const { id } = await find<{ readonly id: string }>(text, {
    noun: "machine",
    byId: async (wanted) =>
      (await getById(invocation, ["machines", wanted], Machine)) ??
      (await api.list(["waiting-machines"], WaitingMachine)).find((each) => each.id === wanted),
    byName: async (name) => [
      ...(await api.list(["machines"], Machine, { query: { name } })),
      ...(await api.list(["waiting-machines"], WaitingMachine)).filter((each) => each.name === name),
    ],
    distinction: (same) => `Name it by its id: ${same.map((each) => each.id).join(", ")}.`,
  });
  const path = ["machines", id, "project"];
  const machine = await api.call({ method: "PUT", path, body: { project }, answer: Machine });
  output.result(machine, `Machine “${machine.name}” is in the project “${machine.project}”.`);
}
