import type { Command } from "commander";
import { Type } from "typebox";
import { TicketKeyGeneration } from "#wire/api.ts";
import { action, type CliContext, type Invocation } from "../invocation.ts";
import type { Output } from "../output/output.ts";

const Generations = Type.Object({ items: Type.Array(TicketKeyGeneration) });

export function ticketKeyCommands(program: Command, context: CliContext): void {
  const ticketKey = program.command("ticket-key").description("The keys that seal console links");
  ticketKey
    .command("list")
    .description("The generations of keys, the newest first, and how many nodes use each")
    .action(action(context, list));
  ticketKey
    .command("rotate")
    .description("Make the next generation of keys; links that were given out stay good")
    .action(action(context, rotate));
}

async function list({ api, output }: Invocation): Promise<void> {
  show(output, (await api.call({ method: "GET", path: ["ticket-keys"], answer: Generations })).items);
}

async function rotate({ api, output }: Invocation): Promise<void> {
  show(output, (await api.call({ method: "POST", path: ["ticket-keys"], answer: Generations })).items);
}

function show(output: Output, generations: readonly TicketKeyGeneration[]): void {
  output.list(
    generations,
    [
      { title: "GENERATION", align: "right", keep: true, value: ({ generation }) => String(generation) },
      { title: "NODES", align: "right", value: ({ nodes }) => String(nodes) },
      { title: "CREATED", value: ({ createdAt }) => output.time(createdAt) },
      { title: "RETIRING SINCE", value: ({ retiringSince }) => output.time(retiringSince) },
    ],
    "No ticket keys.",
  );
}
