import type { Command } from "commander";
import { Machine } from "#wire/api.ts";
import type { PowerAction } from "#wire/power-action.ts";
import { action, type CliContext, type Invocation } from "../invocation.ts";
import { findMachine } from "./find-machine.ts";

/** What each verb does, and what is said when the hypervisor has taken the order. */
const VERBS = {
  start: ["Have its hypervisor start a machine", "is being started"],
  stop: ["Ask a machine's guest to shut down, which it may not heed", "was asked to shut down"],
  cut: ["Take a machine's power away, without asking its guest", "has its power taken away"],
  restart: ["Ask a machine's guest to restart, which it may not heed", "was asked to restart"],
  reset: ["Restart a machine without asking its guest", "is being reset"],
} as const satisfies Readonly<Record<PowerAction, readonly [description: string, said: string]>>;

/** Machines of hypervisors are started and stopped through these. */
export function powerCommands(machine: Command, context: CliContext): void {
  for (const [verb, [description, said]] of Object.entries(VERBS))
    machine
      .command(`${verb} <machine>`)
      .description(description)
      .option("--project <project>", "the project to look in, where several have a machine of that name")
      .action(
        action(
          context,
          async (invocation: Invocation, text: string, { project }: { readonly project?: string }) => {
            const { api, output } = invocation;
            const { id, name } = await findMachine(invocation, text, project);
            const path = ["machines", id, "power"];
            const answer = await api.call({ method: "POST", path, body: { action: verb }, answer: Machine });
            output.result(answer, `Machine “${name}” ${said}.`);
          },
        ),
      );
}
