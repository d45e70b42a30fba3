import type { Log } from "#base/process/log.ts";
import type { Caller, Services } from "../../services.ts";
import type { Fields } from "./answer.ts";
import type { Parameters } from "./parameters.ts";

/** Everything that a command may need to answer one verified request. */
export interface CommandContext {
  readonly services: Services;
  readonly caller: Caller;
  readonly parameters: Parameters;
  readonly log: Log;
  /** What a person quotes to the operator: the request's id. */
  readonly reference: string;
}

/** One command of the CloudStack API. It throws a CloudStackError, or a GatewayError for what it did not expect. */
export interface Command {
  readonly name: string;
  /** CloudStack's Admin is our administrator; its three other roles are our member. */
  readonly access: "everybody" | "administrators";
  /** Where the installation enforces it, these come by POST alone. */
  readonly changesState: boolean;
  readonly run: (context: CommandContext) => Promise<Fields>;
}
