import type { Command } from "commander";
import { Project } from "#wire/api.ts";
import { Nothing } from "../api-client.ts";
import { action, type CliContext, find, type Invocation } from "../invocation.ts";

export function projectCommands(program: Command, context: CliContext): void {
  const project = program.command("project").description("Projects: who sees which machines");

  project.command("add <name>").description("Make a project").action(action(context, add));
  project.command("list").description("The projects that you may see").action(action(context, list));
  project
    .command("remove <project>")
    .description("Remove a project that has no machines, by name or id")
    .action(action(context, remove));
}

async function add({ api, output }: Invocation, name: string): Promise<void> {
  const { id } = await api.call({ method: "POST", path: ["projects"], body: { name }, answer: Project });
  output.result({ id }, id);
}

async function list({ api, output }: Invocation): Promise<void> {
  output.list(
    await api.list(["projects"], Project),
    [
      { title: "NAME", value: ({ name }) => name },
      { title: "CREATED", value: ({ createdAt }) => output.time(createdAt) },
      { title: "ID", keep: true, value: ({ id }) => id },
    ],
    "No projects. Make one: porthole project add NAME",
  );
}

async function remove({ api, output }: Invocation, text: string): Promise<void> {
  const projects = await api.list(["projects"], Project);
  const { id, name } = await find(text, {
    noun: "project",
    byId: async (wanted) => projects.find((project) => project.id === wanted),
    byName: async (wanted) => projects.filter((project) => project.name === wanted),
    distinction: (same) => `Name it by its id: ${same.map((project) => project.id).join(", ")}.`,
  });
  await api.call({ method: "DELETE", path: ["projects", id], answer: Nothing });
  output.result({ id }, `Project “${name}” is removed.`);
}
