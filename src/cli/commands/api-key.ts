import type { Command } from "commander";
import { Type } from "typebox";
import { ApiKey, NewApiKey } from "#wire/api.ts";
import { Nothing } from "../api-client.ts";
import { action, type CliContext, type Invocation } from "../invocation.ts";
import { findAccount } from "./account.ts";

interface AccountOption {
  readonly account?: string;
}

const ACCOUNT = ["--account <account>", "whose keys, by name or id; your own if absent"] as const;

export function apiKeyCommands(program: Command, context: CliContext): void {
  const apiKey = program.command("api-key").description("The keys with which programs act as an account");

  apiKey
    .command("add")
    .description("Make an API key; its secret key is shown this once")
    .option(...ACCOUNT)
    .action(action(context, add));
  apiKey
    .command("list")
    .description("An account's API keys")
    .option(...ACCOUNT)
    .action(action(context, list));
  apiKey
    .command("remove <api-key>")
    .description("Withdraw an API key")
    .option(...ACCOUNT)
    .action(action(context, remove));
}

async function add(invocation: Invocation, { account }: AccountOption): Promise<void> {
  const { id } = await findAccount(invocation, account);
  const keys = await invocation.api.call({
    method: "POST",
    path: ["accounts", id, "api-keys"],
    answer: NewApiKey,
  });
  // As the lines of a configuration file, so that they can be kept as they are.
  invocation.output.result(keys, `api-key = "${keys.apiKey}"\nsecret-key = "${keys.secretKey}"`);
}

async function list(invocation: Invocation, { account }: AccountOption): Promise<void> {
  const { id } = await findAccount(invocation, account);
  const { items } = await invocation.api.call({
    method: "GET",
    path: ["accounts", id, "api-keys"],
    answer: Type.Object({ items: Type.Array(ApiKey) }),
  });
  invocation.output.list(
    items,
    [
      { title: "API KEY", keep: true, value: ({ apiKey }) => apiKey },
      { title: "CREATED", value: ({ createdAt }) => invocation.output.time(createdAt) },
    ],
    "No API keys. Make one: porthole api-key add",
  );
}

async function remove(invocation: Invocation, apiKey: string, { account }: AccountOption): Promise<void> {
  const { id } = await findAccount(invocation, account);
  await invocation.api.call({
    method: "DELETE",
    path: ["accounts", id, "api-keys", apiKey],
    answer: Nothing,
  });
  invocation.output.result({ apiKey }, `API key ${apiKey} is withdrawn.`);
}
