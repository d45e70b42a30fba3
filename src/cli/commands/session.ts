import { type Command, InvalidArgumentError, Option } from "commander";
import { Type } from "typebox";
import { Node, Project, SESSION_STATES, Session } from "#wire/api.ts";
import { ERRORS, isErrorCode } from "#wire/errors.ts";
import { endedBadly } from "#wire/session-ending.ts";
import { CliFailure } from "../exit-status.ts";
import { action, type CliContext, getById, type Invocation, nothingNamed } from "../invocation.ts";
import type { Field, Output } from "../output/output.ts";
import { byteCount } from "../output/units.ts";
import { findMachine } from "./find-machine.ts";

interface ListOptions {
  readonly state?: Session["state"];
  readonly machine?: string;
  readonly project?: string;
  readonly limit: number;
}

export function sessionCommands(program: Command, context: CliContext): void {
  const session = program.command("session").description("Consoles that are or were open");

  session
    .command("list")
    .description("Sessions, the newest first")
    .addOption(new Option("--state <state>", "only those in this state").choices(SESSION_STATES))
    .option("--machine <machine>", "only those of one machine, by name or id")
    .option("--project <project>", "the project to look in, where several have a machine of that name")
    .addOption(new Option("--limit <count>", "at most so many").default(100).argParser(count))
    .action(action(context, list));

  session
    .command("show <session>")
    .description("One session, by its id, with its ending")
    .action(action(context, show));

  session
    .command("end <session>")
    .description("End a console, by its session's id, wherever it is open")
    .action(action(context, end));
}

async function list(invocation: Invocation, { state, machine, project, limit }: ListOptions): Promise<void> {
  const { api, output } = invocation;
  const machineId = machine === undefined ? undefined : (await findMachine(invocation, machine, project)).id;
  const sessions = await api.list(["sessions"], Session, { query: { state, machineId }, atMost: limit });
  const [machineName, inState, ...others] = summary(output);
  output.list(
    sessions,
    [machineName, inState, endingCode, ...others],
    "No sessions. Open a console: porthole console open MACHINE",
  );
  if (sessions.length === limit && !output.json)
    output.note(`These are the newest ${limit}; --limit shows more.`);
}

async function show(invocation: Invocation, id: string): Promise<void> {
  const { output } = invocation;
  const session = await getById(invocation, ["sessions", id], Session);
  if (session === undefined) throw nothingNamed("session", id);
  const { project, node } = output.json ? {} : await namesOf(invocation, session);
  output.record(session, [
    ...summary(output),
    { title: "PROJECT", value: ({ projectId }) => named(project, projectId) },
    { title: "NODE", value: ({ nodeId }) => named(node, nodeId) },
    { title: "RIGHTS", value: ({ viewOnly }) => (viewOnly ? "view only" : "all") },
    { title: "REDEEMED", value: ({ redeemedAt }) => output.time(redeemedAt) },
    { title: "ENDED", value: ({ endedAt }) => output.time(endedAt) },
    {
      title: "ENDING",
      value: ({ ending }) => ending && [ending.kind, ending.code, ending.detail].join(" ").trim(),
    },
    {
      title: "MEANING",
      value: ({ ending }) =>
        ending !== undefined && isErrorCode(ending.code) ? ERRORS[ending.code].meaning : undefined,
    },
    { title: "FAILED AT", value: ({ ending }) => ending?.step },
    { title: "ASKED FROM", value: ({ creatorAddress }) => creatorAddress },
  ]);
}

/** What people call its project, and where viewers reach its node, as far as whoever asks may see them and they are there yet. */
async function namesOf(
  { api }: Invocation,
  { projectId, nodeId }: Session,
): Promise<{ readonly project?: string | undefined; readonly node?: string | undefined }> {
  const seen = async <Found>(look: () => Promise<Found>) => {
    try {
      return await look();
    } catch (error) {
      if (error instanceof CliFailure && error.exit === "refused") return undefined;
      throw error;
    }
  };
  const projects = await seen(() => api.list(["projects"], Project));
  const answer = Type.Object({ items: Type.Array(Node) });
  const nodes = await seen(() => api.call({ method: "GET", path: ["nodes"], answer }));
  return {
    project: projects?.find(({ id }) => id === projectId)?.name,
    node: nodes?.items.find(({ id }) => id === nodeId)?.pageOrigin,
  };
}

function named(name: string | undefined, id: string): string {
  return name === undefined || name === "" ? id : `${name} (${id})`;
}

async function end({ api, output }: Invocation, id: string): Promise<void> {
  const { machine, state } = await api.call({
    method: "POST",
    path: ["sessions", id, "end"],
    answer: Session,
  });
  const said = state === "ended" ? "is over" : "is being ended";
  output.result({ id, state }, `The console of “${machine}” ${said}.`);
}

/** Of those that are over, why: what failed is “ended” as well. */
const endingCode: Field<Session> = {
  title: "ENDING",
  value: ({ ending }) => ending?.code,
  tone: (session) => (endedBadly(session) ? "bad" : "faint"),
};

function summary(output: Output): readonly [Field<Session>, Field<Session>, ...Field<Session>[]] {
  return [
    { title: "MACHINE", value: ({ machine }) => machine },
    {
      title: "STATE",
      value: ({ state }) => state,
      tone: ({ state }) => (state === "active" ? "good" : "faint"),
    },
    { title: "ACCOUNT", spare: true, value: ({ account }) => account },
    { title: "VIEWER", spare: true, value: ({ viewerAddress }) => viewerAddress },
    { title: "CREATED", value: ({ createdAt }) => output.time(createdAt) },
    {
      title: "SENT",
      align: "right",
      spare: true,
      value: (session) => carried(session, session.bytesToViewer),
    },
    {
      title: "RECEIVED",
      align: "right",
      spare: true,
      value: (session) => carried(session, session.bytesFromViewer),
    },
    { title: "ID", keep: true, value: ({ id }) => id },
  ];
}

/** Nodes say it as a console ends: of one that is open nothing is known yet. */
function carried({ state }: Session, bytes: number): string | undefined {
  return state === "ended" || bytes > 0 ? byteCount(bytes) : undefined;
}

function count(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidArgumentError("It must be a number from 1 to 999999.");
  return Number(text);
}
