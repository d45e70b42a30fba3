import { type Command, InvalidArgumentError, Option } from "commander";
import { Type } from "typebox";
import { JoinToken, joinTokenDefaults, type NewJoinToken, Setting, type SettingValue } from "#wire/api.ts";
import { closeNames } from "../close-names.ts";
import { CliFailure } from "../exit-status.ts";
import { action, type CliContext, type Invocation } from "../invocation.ts";
import type { Field } from "../output/output.ts";
import { duration } from "./duration.ts";

const limits = {
  /** How often a list is changed that somebody else changes at the same time. */
  tries: 5,
} as const;

interface JoinTokenOptions {
  readonly pool?: string;
  readonly uses?: number;
  readonly expires?: number;
  readonly expiresIn?: number;
}

/** Settings, and the tokens with which nodes join. */
export function installationCommands(program: Command, context: CliContext): void {
  const setting = program.command("setting").description("What the whole installation shares");
  setting.command("list").description("All settings").action(action(context, listSettings));
  setting.command("get <name>").description("The value of one setting").action(action(context, getSetting));
  setting
    .command("set <name> <value>")
    .description("Change a setting; it takes effect at once, and replaces all that was there")
    .action(action(context, setSetting));
  setting
    .command("add <name> <item...>")
    .description(
      "Add items to a setting that is a list, such as a network to upstream.allow; the others stay",
    )
    .action(
      action(context, async (invocation, name: string, items: readonly string[]) => {
        const added = wantedItems(items);
        await changeList(invocation, name, (there) => [...new Set([...there, ...added])]);
      }),
    );
  setting
    .command("remove <name> <item...>")
    .description("Take items out of a setting that is a list; the others stay")
    .action(
      action(context, async (invocation, name: string, items: readonly string[]) => {
        const removed = wantedItems(items);
        await changeList(invocation, name, (there) => without(name, there, removed));
      }),
    );

  const joinToken = program.command("join-token").description("Tokens with which new nodes join");
  joinToken
    .command("create")
    .description("Make a join token; it is shown this once")
    .option("--pool <pool>", `the pool that the nodes belong to; ${joinTokenDefaults.pool} if absent`)
    .addOption(
      new Option(
        "--uses <count>",
        `how many nodes may join with it; ${joinTokenDefaults.uses} if absent`,
      ).argParser(positive),
    )
    .addOption(
      new Option(
        "--expires <duration>",
        `how long it holds: 90s, 30m, 12h or 7d; ${joinTokenDefaults.expiresInSeconds / 3600}h if absent`,
      )
        .argParser(duration)
        .conflicts("expiresIn"),
    )
    .addOption(new Option("--expires-in <seconds>", "the same in seconds").argParser(positive))
    .action(action(context, createJoinToken));
}

async function allSettings({ api }: Invocation): Promise<Setting[]> {
  const answer = Type.Object({ items: Type.Array(Setting) });
  return (await api.call({ method: "GET", path: ["settings"], answer })).items;
}

async function listSettings(invocation: Invocation): Promise<void> {
  invocation.output.list(await allSettings(invocation), SETTING_FIELDS, "No settings.");
}

async function getSetting(invocation: Invocation, name: string): Promise<void> {
  const setting = await findSetting(invocation, name);
  invocation.output.result(setting, setting.value);
}

async function setSetting(invocation: Invocation, wanted: string, value: string): Promise<void> {
  const before = await findSetting(invocation, wanted);
  const setting = await put(invocation, before.name, { value });
  invocation.output.result(setting, `${setting.name} = ${setting.value}`);
  const kept = itemsOf(setting.value);
  const lost = before.list === true ? itemsOf(before.value).filter((item) => !kept.includes(item)) : [];
  if (lost.length > 0 && !invocation.output.json)
    invocation.output.note(
      `No longer in it: ${lost.join(", ")}. “porthole setting add” leaves in it what is there.`,
    );
}

async function put({ api }: Invocation, name: string, body: SettingValue): Promise<Setting> {
  return await api.call({ method: "PUT", path: ["settings", name], body, answer: Setting });
}

/** Reads it, changes it, and writes it if nobody else has meanwhile; otherwise all over again. */
async function changeList(
  invocation: Invocation,
  wanted: string,
  change: (there: readonly string[]) => readonly string[],
): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    const { name, value: was, list } = await findSetting(invocation, wanted);
    if (list !== true)
      throw new CliFailure("usage", `${name} is one value and no list`, {
        remedy: `porthole setting set ${name} VALUE`,
      });
    try {
      const setting = await put(invocation, name, { value: change(itemsOf(was)).join(", "), was });
      invocation.output.result(setting, `${setting.name} = ${setting.value}`);
      return;
    } catch (error) {
      if (!(error instanceof CliFailure) || error.code !== "conflict") throw error;
      if (tries === limits.tries)
        throw new CliFailure(
          "unavailable",
          `${name} was set by others ${tries} times meanwhile, so it was left`,
          {
            code: "conflict",
            remedy: "Run it again.",
            cause: error,
          },
        );
    }
  }
}

/** What stands on a command line: an argument may be empty where a script's variable is, and then nothing would be said. */
function wantedItems(args: readonly string[]): readonly string[] {
  const items = args.flatMap(itemsOf);
  if (items.length === 0) throw new CliFailure("usage", "no item is said");
  return items;
}

function itemsOf(text: string): readonly string[] {
  return text
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}

function without(name: string, there: readonly string[], items: readonly string[]): readonly string[] {
  const missing = items.filter((item) => !there.includes(item));
  if (missing.length > 0)
    throw new CliFailure("notFound", `${missing.join(", ")} is not in ${name}`, {
      remedy: `In it: ${there.length === 0 ? "nothing" : there.join(", ")}.`,
    });
  return there.filter((item) => !items.includes(item));
}

async function findSetting(invocation: Invocation, name: string): Promise<Setting> {
  const settings = await allSettings(invocation);
  const setting = settings.find((candidate) => candidate.name === name);
  if (setting !== undefined) return setting;
  const close = closeNames(
    name,
    settings.map((candidate) => candidate.name),
  );
  const listing = "“porthole setting list” shows all of them.";
  throw new CliFailure("notFound", `there is no setting “${name}”`, {
    code: "not_found",
    remedy: close.length === 0 ? listing : `Did you mean ${close.join(" or ")}? ${listing}`,
  });
}

async function createJoinToken({ api, output }: Invocation, options: JoinTokenOptions): Promise<void> {
  const expiresInSeconds = options.expires ?? options.expiresIn;
  const body: NewJoinToken = {
    ...(options.pool === undefined ? {} : { pool: options.pool }),
    ...(options.uses === undefined ? {} : { uses: options.uses }),
    ...(expiresInSeconds === undefined ? {} : { expiresInSeconds }),
  };
  const token = await api.call({ method: "POST", path: ["join-tokens"], body, answer: JoinToken });
  output.result(token, token.token);
}

const SETTING_FIELDS: readonly Field<Setting>[] = [
  { title: "NAME", keep: true, value: ({ name }) => name },
  { title: "VALUE", value: ({ value }) => value },
  { title: "DEFAULT", value: ({ fallback }) => fallback },
  { title: "DESCRIPTION", value: ({ description }) => description },
];

function positive(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError("It must be a whole number above zero.");
  return Number(text);
}
