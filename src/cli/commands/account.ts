import { type Command, Option } from "commander";
import { Account, type AccountChange, type NewAccount, ROLES, SignInLink } from "#wire/api.ts";
import { Nothing } from "../api-client.ts";
import { CliFailure } from "../exit-status.ts";
import { action, type CliContext, find, getById, type Invocation } from "../invocation.ts";
import type { Field, Output } from "../output/output.ts";

interface UpdateOptions {
  readonly disable?: boolean;
  readonly enable?: boolean;
  readonly project: readonly string[];
  /** False where --no-projects was given. */
  readonly projects: boolean;
}

interface AddOptions {
  readonly role: NewAccount["role"];
  readonly project: readonly string[];
}

export function accountCommands(program: Command, context: CliContext): void {
  const account = program.command("account").description("Who may sign in, and what they may see");

  account
    .command("add <name>")
    .description("Make an account")
    .addOption(new Option("--role <role>", "what it may do").choices(ROLES).default("member"))
    .option(
      "--project <project>",
      "a project whose machines a member may open; may be given again",
      collect,
      [],
    )
    .action(action(context, add));
  account.command("list").description("All accounts").action(action(context, list));
  account
    .command("show [account]")
    .description("One account, by name or id; your own if absent")
    .action(action(context, show));
  account
    .command("update <account>")
    .description(
      "Disable or enable an account, or set its projects; ends the consoles that it may no longer have",
    )
    .option("--disable", "it can do nothing until it is enabled again")
    .option("--enable", "it can do again what it could")
    .option(
      "--project <project>",
      "a project that it belongs to, instead of those so far; may be given again",
      collect,
      [],
    )
    .option("--no-projects", "it belongs to no project any more")
    .action(action(context, update));
  account
    .command("remove <account>")
    .description("Remove an account, with its API keys and web sessions")
    .action(action(context, remove));
  account
    .command("sign-in-link [account]")
    .description("Print a link that signs an account in to the web pages, once; your own if absent")
    .action(action(context, signInLink));
}

async function add({ api, output }: Invocation, name: string, { role, project }: AddOptions): Promise<void> {
  const body: NewAccount = { name, role, ...(project.length === 0 ? {} : { projects: [...project] }) };
  const { id } = await api.call({ method: "POST", path: ["accounts"], body, answer: Account });
  output.result({ id }, id);
  if (output.json) return;
  output.note(`Let it sign in: porthole account sign-in-link ${id}`);
  if (role === "member" && project.length === 0)
    output.note(
      `It belongs to no project, so it sees no machine. Give it some: porthole account update ${id} --project PROJECT`,
    );
}

async function list({ api, output }: Invocation): Promise<void> {
  const accounts = await api.list(["accounts"], Account);
  output.list(accounts, fields(output), "No accounts. Make one: porthole account add NAME");
}

async function show(invocation: Invocation, text: string | undefined): Promise<void> {
  invocation.output.record(await findAccount(invocation, text), fields(invocation.output));
}

async function update(invocation: Invocation, text: string, options: UpdateOptions): Promise<void> {
  const { api, output } = invocation;
  const { disable = false, enable = false, project, projects } = options;
  if (disable && enable) throw new CliFailure("usage", "--disable and --enable exclude each other");
  if (!projects && project.length > 0)
    throw new CliFailure("usage", "--project and --no-projects exclude each other");
  const body: AccountChange = {
    ...(disable || enable ? { disabled: disable } : {}),
    ...(project.length > 0 || !projects ? { projects: [...project] } : {}),
  };
  if (Object.keys(body).length === 0)
    throw new CliFailure("usage", "nothing is to be changed", { remedy: "porthole account update --help" });
  const { id } = await findAccount(invocation, text);
  output.record(
    await api.call({ method: "PATCH", path: ["accounts", id], body, answer: Account }),
    fields(output),
  );
}

async function remove(invocation: Invocation, text: string): Promise<void> {
  const { id, name } = await findAccount(invocation, text);
  await invocation.api.call({ method: "DELETE", path: ["accounts", id], answer: Nothing });
  invocation.output.result({ id }, `Account “${name}” is removed.`);
}

async function signInLink(invocation: Invocation, text: string | undefined): Promise<void> {
  const { api, output } = invocation;
  const path =
    text === undefined
      ? ["me", "sign-in-link"]
      : ["accounts", (await findAccount(invocation, text)).id, "sign-in-link"];
  const link = await api.call({ method: "POST", path, answer: SignInLink });
  output.result(link, link.url);
  output.noteUntil("It works once", link.expiresAt);
}

/** The account that a name or an id means; the caller's own where none is named. */
export async function findAccount(invocation: Invocation, text: string | undefined): Promise<Account> {
  const { api } = invocation;
  if (text === undefined) return await api.call({ method: "GET", path: ["me"], answer: Account });
  return await find(text, {
    noun: "account",
    byId: async (id) => await getById(invocation, ["accounts", id], Account),
    byName: async (name) =>
      (await api.list(["accounts"], Account)).filter((account) => account.name === name),
    distinction: (same) => `Name it by its id: ${same.map((account) => account.id).join(", ")}.`,
  });
}

function fields(output: Output): readonly Field<Account>[] {
  return [
    { title: "NAME", value: ({ name }) => name },
    { title: "ROLE", value: ({ role }) => role },
    {
      title: "PROJECTS",
      value: ({ role, projects }) => (role === "admin" ? "all" : projects.map(({ name }) => name).join(", ")),
    },
    {
      title: "STATE",
      value: ({ disabled }) => (disabled ? "disabled" : "enabled"),
      tone: ({ disabled }) => (disabled ? "faint" : "good"),
    },
    { title: "CREATED", spare: true, value: ({ createdAt }) => output.time(createdAt) },
    { title: "ID", keep: true, value: ({ id }) => id },
  ];
}

function collect(text: string, before: readonly string[]): readonly string[] {
  return [...before, text];
}
