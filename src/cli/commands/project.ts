import type { Command } from "commander";
import { DEFAULT_PROJECT, Project } from "#wire/api.ts";
import { Nothing } from "../api-client.ts";
import { CliFailure } from "../exit-status.ts";
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
  try {
    await api.call({ method: "DELETE", path: ["projects", id], answer: Nothing });
  } catch (error) {
    throw error instanceof CliFailure && error.code === "conflict" ? stays({ id, name }, error) : error;
  }
  output.result({ id }, `Project “${name}” is removed.`);
}

/** Why a project is not removed, which “something stands in the way” does not say. */
function stays({ id, name }: Pick<Project, "id" | "name">, { exit, code, cause }: CliFailure): CliFailure {
  if (name === DEFAULT_PROJECT)
    return new CliFailure(
      exit,
      `project “${name}” stays, because machines that are added without a project belong to it`,
      {
        code,
        cause,
        remedy: "Whoever was not given it does not see its machines, so it may as well stay empty.",
      },
    );
  return new CliFailure(exit, `project “${name}” still has machines, and is removed only without`, {
    code,
    cause,
    remedy: `“porthole machine list --project ${id}” shows them; “porthole machine remove” forgets one.`,
  });
}
