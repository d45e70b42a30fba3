import { type Command, Option } from "commander";
import { Type } from "typebox";
import { Node, type NodeDrain } from "#wire/api.ts";
import { Certificate, NodeAuthority } from "#wire/certificate.ts";
import { lasting, lastingOf } from "#wire/certificate-end.ts";
import { Nothing } from "../api-client.ts";
import { action, type CliContext, type Invocation } from "../invocation.ts";
import type { Field, Output } from "../output/output.ts";
import { duration } from "./duration.ts";
import { remedyOf, warnOfEnds } from "./ends.ts";

interface DrainFlags {
  readonly now?: boolean;
  readonly deadline?: number;
  readonly warn?: boolean;
}

/** What takes a node out of service, and what is said of it. */
const OUTCOMES: readonly (readonly [verb: string, description: string, said: string])[] = [
  [
    "drain",
    "Give a node no new sessions, by its id; those that are open go on",
    "The node gets no new sessions.",
  ],
  [
    "restart",
    "Have a node end and come back, once it carries no session",
    "The node comes back once it carries no session.",
  ],
  [
    "stop",
    "Have a node carry no session, until it is started",
    "The node is stopped once it carries no session.",
  ],
  [
    "destroy",
    "Have a node end for ever, and forget it, once it carries no session",
    "The node goes once it carries no session.",
  ],
];

export function nodeCommands(program: Command, context: CliContext): void {
  const node = program.command("node").description("The console nodes");
  node
    .command("list")
    .description("All nodes, and how many sessions each carries")
    .action(action(context, listNodes));
  node.command("show <node>").description("One node, by its id").action(action(context, showNode));
  for (const [verb, description, said] of OUTCOMES)
    node
      .command(`${verb} <node>`)
      .description(description)
      .addOption(
        new Option("--now", "end its sessions at once; their viewers are told why").conflicts("deadline"),
      )
      .addOption(
        new Option(
          "--deadline <duration>",
          "end what is left then: 90s, 30m, 12h or 7d; else it is waited for",
        ).argParser(duration),
      )
      .option("--warn", "tell their viewers ahead")
      .action(
        action(
          context,
          async (invocation, id: string, flags: DrainFlags) =>
            await drain(invocation, id, { verb, said, flags }),
        ),
      );
  for (const [verb, description] of [
    ["start", "Give a node sessions again that was drained or stopped, by its id"],
    ["undrain", "The same as start"],
  ] as const)
    node.command(`${verb} <node>`).description(description).action(action(context, startNode));
  node
    .command("authority")
    .description("The certificate by which nodes know control, for --authority-file")
    .action(action(context, showAuthority));
  node
    .command("revoke <node>")
    .description("Refuse a node from now on, by its id, and give up its sessions")
    .action(action(context, revokeNode));
  node
    .command("remove <node>")
    .description("Forget a node that is down or revoked, by its id")
    .action(action(context, removeNode));
}

async function listNodes({ api, output }: Invocation): Promise<void> {
  const answer = Type.Object({ items: Type.Array(Node) });
  const { items } = await api.call({ method: "GET", path: ["nodes"], answer });
  output.list(items, summary(output), "No nodes. Let one join: porthole join-token create");
  await warnOfCertificates({ api, output }, items);
}

async function showNode({ api, output }: Invocation, id: string): Promise<void> {
  const node = await api.call({ method: "GET", path: ["nodes", id], answer: Node });
  output.record(node, [
    ...summary(output),
    { title: "WEBSOCKET", value: ({ webSocketOrigin }) => webSocketOrigin },
    { title: "CERTIFICATE", value: ({ certificate }) => certificate?.id },
    { title: "CERTIFICATE PROBLEM", value: ({ certificateProblem }) => certificateProblem },
    { title: "DRAINS SINCE", value: ({ draining }) => output.time(draining?.since) },
    {
      title: "WAITS FOR",
      value: ({ draining }) =>
        draining && `${draining.sessions} ${draining.sessions === 1 ? "session" : "sessions"}`,
    },
    { title: "UNTIL", value: ({ draining }) => output.time(draining?.deadline) },
    { title: "THEN", value: ({ draining }) => draining?.outcome },
  ]);
  await warnOfCertificates({ api, output }, [node]);
}

async function warnOfCertificates({ api, output }: Invocation, nodes: readonly Node[]): Promise<void> {
  for (const { id, certificateProblem: problem } of nodes)
    if (problem !== undefined)
      output.warn(`something is wrong with the certificate of node ${id}: ${problem}`);
  const now = output.now();
  const ending = nodes.flatMap(({ id, certificate }) => {
    if (certificate === undefined) return [];
    const how = lasting(Date.parse(certificate.notAfter), now);
    return how === "good" ? [] : [{ ...certificate, id, how }];
  });
  if (ending.length === 0) return;
  // Which of them an authority renews by itself, its certificate says.
  const answer = Type.Object({ items: Type.Array(Certificate) });
  const { items } = await api.call({ method: "GET", path: ["certificates"], answer });
  warnOfEnds(
    output,
    ending.map(({ id, chainId, notAfter, how }) => {
      const known = items.find((each) => each.chainId === chainId);
      return {
        what: `the certificate that node ${id} serves`,
        notAfter,
        how: known === undefined ? how : lastingOf(known, now),
        remedy:
          chainId === undefined
            ? "It should have been changed by itself: see control's log."
            : remedyOf(known ?? { source: "upload" }),
      };
    }),
  );
}

async function drain(
  { api, output }: Invocation,
  id: string,
  { verb, said, flags }: { readonly verb: string; readonly said: string; readonly flags: DrainFlags },
): Promise<void> {
  const { now, deadline, warn } = flags;
  const body: NodeDrain = {
    ...(now === undefined ? {} : { now }),
    ...(deadline === undefined ? {} : { deadlineSeconds: deadline }),
    ...(warn === undefined ? {} : { warn }),
  };
  const node = await api.call({ method: "POST", path: ["nodes", id, verb], body, answer: Node });
  const left = node.draining?.sessions ?? 0;
  output.result(node, left === 0 ? said : `${said} Still open: ${left}.`);
}

async function startNode({ api, output }: Invocation, id: string): Promise<void> {
  const node = await api.call({ method: "POST", path: ["nodes", id, "start"], answer: Node });
  output.result(node, "The node takes sessions.");
}

async function showAuthority({ api, output }: Invocation): Promise<void> {
  const authority = await api.call({ method: "GET", path: ["node-authority"], answer: NodeAuthority });
  output.result(authority, authority.certificate.trimEnd());
}

async function revokeNode({ api, output }: Invocation, id: string): Promise<void> {
  const node = await api.call({ method: "POST", path: ["nodes", id, "revoke"], answer: Node });
  output.result(node, "The node is refused. Stop its process: what is open on it cannot be ended from here.");
}

async function removeNode({ api, output }: Invocation, id: string): Promise<void> {
  await api.call({ method: "DELETE", path: ["nodes", id], answer: Nothing });
  output.result({ id }, "The node is forgotten.");
}

function summary(output: Output): readonly Field<Node>[] {
  return [
    { title: "PAGES", value: ({ pageOrigin }) => pageOrigin },
    // Behind a front proxy all nodes have the same pages.
    { title: "FORWARD", value: ({ forwardAddress }) => forwardAddress },
    {
      title: "STATE",
      value: ({ state }) => state,
      tone: ({ state }) => (state === "running" ? "good" : "bad"),
    },
    {
      title: "AGENT",
      value: ({ agentState }) => agentState,
      tone: ({ agentState }) => (agentState === "up" ? "good" : "bad"),
    },
    { title: "POOL", value: ({ pool }) => pool },
    { title: "SESSIONS", align: "right", value: ({ sessions }) => String(sessions) },
    {
      title: "MOST",
      align: "right",
      spare: true,
      value: ({ maximumSessions }) => maximumSessions?.toString(),
    },
    {
      title: "CERTIFICATE UNTIL",
      spare: true,
      value: ({ certificate }) => output.time(certificate?.notAfter),
    },
    { title: "VERSION", spare: true, value: ({ version }) => version },
    { title: "SEEN", spare: true, value: ({ seenAt }) => output.time(seenAt) },
    { title: "ID", keep: true, value: ({ id }) => id },
  ];
}
