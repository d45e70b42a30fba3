import type { TSchema } from "typebox";
import { Compile } from "typebox/schema";
import { GatewayError } from "#wire/gateway-error.ts";
import {
  type Empty,
  type EndSessionsAnswer,
  EndSessionsCommand,
  type GrantsAnswer,
  GrantsCommand,
  type KeysAnswer,
  KeysCommand,
  LINK_COMMANDS,
  type LinkCommand,
  type NodeTicketKey,
  type SessionToEnd,
} from "#wire/link.ts";
import { type CertificateAnswer, CertificateCommand } from "#wire/link-certificate.ts";
import { type OutputAnswer, OutputCommand } from "#wire/link-console-output.ts";
import { DrainCommand, type LeaveAnswer, LeaveCommand } from "#wire/link-draining.ts";
import { type CheckAnswer, CheckCommand } from "#wire/link-self-check.ts";
import type { Obey } from "./channel.ts";
import { refusal } from "./refusal.ts";

/** What commands are carried out on. */
export interface CommandParts {
  readonly incarnation: () => string;
  /** Whether the node carries this session, which is ending for that reason now. */
  readonly end: (session: Pick<SessionToEnd, "sessionId" | "attachment">, reason: GatewayError) => boolean;
  /** Resolves to the newest generation that the node holds then. */
  readonly takeKeys: (keys: readonly NodeTicketKey[]) => number;
  /** Returns the sessions whose grants the node has then. */
  readonly keepGrants: (grants: GrantsCommand["grants"]) => string[];
  /** Serves this from now on, or says why not. */
  readonly serve: (certificate: CertificateCommand["certificate"]) => CertificateAnswer;
  readonly drain: (command: Pick<DrainCommand, "draining">) => void;
  /** Whether the node looks at itself now, and tells control later what it saw. */
  readonly check: (command: Pick<CheckCommand, "run" | "token" | "screens">) => boolean;
  /** What a machine's serial line has said; undefined where it is not open here. */
  readonly output: (machineId: string) => Promise<string | undefined>;
  /** Whether the process ends then. */
  readonly leave: (command: Pick<LeaveCommand, "how" | "cutsPassing">) => boolean;
  /** Whether something of this session is still to be reported. */
  readonly isReporting: (session: Pick<SessionToEnd, "sessionId" | "attachment">) => boolean;
}

/** All that control can ask of a node. */
export function createCommands(parts: CommandParts): Obey {
  const { incarnation, end, takeKeys, keepGrants, serve, check, output, drain, leave, isReporting } = parts;
  const commands: Readonly<Record<LinkCommand, (body: unknown) => unknown>> = {
    "end-sessions": checked(EndSessionsCommand, (command: EndSessionsCommand): EndSessionsAnswer => {
      if (command.incarnation !== incarnation()) throw new GatewayError("node_superseded");
      const unknown = command.sessions.filter(
        (session) => !end(session, refusal(session)) && !isReporting(session),
      );
      return { unknown: unknown.map(({ sessionId }) => sessionId) };
    }),
    drain: checked(DrainCommand, (command: DrainCommand): Empty => {
      if (command.incarnation !== incarnation()) throw new GatewayError("node_superseded");
      drain(command);
      return {};
    }),
    leave: checked(LeaveCommand, (command: LeaveCommand): LeaveAnswer => {
      if (command.incarnation !== incarnation()) throw new GatewayError("node_superseded");
      return { leaves: leave(command) };
    }),
    keys: checked(KeysCommand, (command: KeysCommand): KeysAnswer => {
      if (command.incarnation !== incarnation()) throw new GatewayError("node_superseded");
      return { ticketGeneration: takeKeys(command.ticketKeys) };
    }),
    grants: checked(GrantsCommand, (command: GrantsCommand): GrantsAnswer => {
      if (command.incarnation !== incarnation()) throw new GatewayError("node_superseded");
      return { kept: keepGrants(command.grants) };
    }),
    certificate: checked(CertificateCommand, (command: CertificateCommand): CertificateAnswer => {
      if (command.incarnation !== incarnation()) throw new GatewayError("node_superseded");
      return serve(command.certificate);
    }),
    check: checked(CheckCommand, (command: CheckCommand): CheckAnswer => {
      if (command.incarnation !== incarnation()) throw new GatewayError("node_superseded");
      return { looks: check(command) };
    }),
    output: checked(OutputCommand, async (command: OutputCommand): Promise<OutputAnswer> => {
      if (command.incarnation !== incarnation()) throw new GatewayError("node_superseded");
      const said = await output(command.machineId);
      return said === undefined ? {} : { output: said };
    }),
  };
  return async ({ call, body }) => {
    if (!isCommand(call)) throw new GatewayError("not_found", { detail: "command" });
    return await commands[call](body);
  };
}

function isCommand(name: string): name is LinkCommand {
  return (LINK_COMMANDS as readonly string[]).includes(name);
}

function checked<Body>(schema: TSchema, handle: (body: Body) => unknown): (body: unknown) => unknown {
  const compiled = Compile(schema);
  return (body) => {
    if (!compiled.Check(body)) throw new GatewayError("request_invalid", { detail: "command" });
    return handle(body as Body);
  };
}
