import type { Command } from "commander";
import { Type } from "typebox";
import { type NewPublicIpRange, PublicIpRange } from "#wire/public-ip-ranges.ts";
import { Nothing } from "../api-client.ts";
import { CliFailure } from "../exit-status.ts";
import { action, type CliContext, find, type Invocation } from "../invocation.ts";

/** Public addresses for nodes that have none of their own. */
export function publicIpRangeCommands(program: Command, context: CliContext): void {
  const range = program
    .command("public-ip-range")
    .description("Public addresses that nodes are given which have none of their own");
  range
    .command("add <range>")
    .description("Give a pool a range: FIRST-LAST, one address, or a network such as 203.0.113.0/28")
    .option("--pool <pool>", "the pool whose nodes may have the addresses; the default pool if absent")
    .action(action(context, add));
  range
    .command("list")
    .description("All ranges, and how many addresses of each are given to nodes")
    .action(action(context, list));
  range
    .command("remove <range>")
    .description("Take a range away of which no node has an address, as FIRST-LAST or by its id")
    .action(action(context, remove));
}

async function add(
  { api, output }: Invocation,
  range: string,
  { pool }: { readonly pool?: string },
): Promise<void> {
  const body: NewPublicIpRange = { range, ...(pool === undefined ? {} : { pool }) };
  const made = await api.call({ method: "POST", path: ["public-ip-ranges"], body, answer: PublicIpRange });
  output.result(made, made.id);
}

async function list({ output, ...invocation }: Invocation): Promise<void> {
  output.list(
    await allRanges(invocation),
    [
      { title: "RANGE", keep: true, value: textOf },
      { title: "POOL", value: ({ pool }) => pool },
      { title: "USED", align: "right", value: ({ used }) => String(used) },
      { title: "ADDRESSES", align: "right", value: countOf },
      { title: "CREATED", spare: true, value: ({ createdAt }) => output.time(createdAt) },
      { title: "ID", keep: true, value: ({ id }) => id },
    ],
    "No public IP ranges. Give a pool one: porthole public-ip-range add FIRST-LAST",
  );
}

async function remove({ api, output }: Invocation, text: string): Promise<void> {
  const ranges = await allRanges({ api });
  const range = await find(text, {
    noun: "public-ip-range",
    byId: async (wanted) => ranges.find(({ id }) => id === wanted),
    byName: async (wanted) => ranges.filter((each) => textOf(each) === wanted || each.first === wanted),
    distinction: (same) => `Name it by its id: ${same.map(({ id }) => id).join(", ")}.`,
  });
  try {
    await api.call({ method: "DELETE", path: ["public-ip-ranges", range.id], answer: Nothing });
  } catch (error) {
    throw error instanceof CliFailure && error.code === "conflict" ? stays(range, error) : error;
  }
  output.result({ id: range.id }, `The range ${textOf(range)} is taken from the pool “${range.pool}”.`);
}

/** Who has addresses of it stands in the detail, which is part of the message. */
function stays(range: PublicIpRange, { exit, code, cause, message }: CliFailure): CliFailure {
  return new CliFailure(exit, message, {
    code,
    cause,
    remedy: `Its addresses are in links that were given out: “porthole node list” shows whose. “porthole node remove” gives back the address of a node that is gone, and so does starting a node with a --public-address of its own; then the range ${textOf(range)} can go.`,
  });
}

async function allRanges({ api }: Pick<Invocation, "api">): Promise<readonly PublicIpRange[]> {
  const answer = Type.Object({ items: Type.Array(PublicIpRange) });
  return (await api.call({ method: "GET", path: ["public-ip-ranges"], answer })).items;
}

function textOf({ first, last }: PublicIpRange): string {
  return first === last ? first : `${first}-${last}`;
}

/** Of an IPv6 network there are more than a number can say. */
function countOf({ size }: PublicIpRange): string {
  return size === Number.MAX_SAFE_INTEGER ? "beyond count" : String(size);
}
