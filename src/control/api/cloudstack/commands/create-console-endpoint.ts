import { ERRORS } from "#wire/errors.ts";
import { type GatewayError, toGatewayError } from "#wire/gateway-error.ts";
import type { IssuedConsole } from "../../../services.ts";
import { logProblem } from "../../http-errors.ts";
import type { Fields } from "../answer.ts";
import { invalidValue, missingParameter, unknownEntity } from "../cloudstack-error.ts";
import type { Command, CommandContext } from "../command.ts";
import { textOf } from "../parameters.ts";

const NAME = "createConsoleEndpoint";

const limits = {
  /** CloudStack's own, for `token`. */
  extraTokenCharacters: 255,
} as const;

/**
 * CloudStack's way to a console. Beside `success`, by which the product answers, stands `result`, as its
 * announcement has it. What keeps a console from being opened is no API error there: HTTP 200 and `details`.
 */
export const createConsoleEndpoint: Command = { name: NAME, access: "everybody", changesState: true, run };

async function run(context: CommandContext): Promise<Fields> {
  const { services, caller, parameters, log, reference } = context;
  const machineId = textOf(parameters, "virtualmachineid");
  const extra = textOf(parameters, "token");
  if (machineId === undefined) throw missingParameter(NAME, "virtualmachineid");
  if (extra !== undefined && extra.length > limits.extraTokenCharacters)
    throw invalidValue(
      NAME,
      `Value greater than max allowed length ${limits.extraTokenCharacters} for param: extraSecurityToken`,
    );
  try {
    const issued = await services.consoles.open(caller, { machineId, api: "cloudstack", extra });
    return { consoleendpoint: endpoint(issued) };
  } catch (error) {
    const problem = toGatewayError(error);
    if (problem.code === "not_found") throw unknownEntity(NAME, "virtualmachineid", machineId);
    if (problem.code === "rate_limited") throw problem;
    // Nothing else that this command passes on can be wrong.
    if (problem.code === "request_invalid")
      throw invalidValue(NAME, "Received value containing control characters for param: extraSecurityToken");
    logProblem(log, problem, reference);
    return {
      consoleendpoint: { success: false, result: false, details: details(problem, machineId, reference) },
    };
  }
}

function endpoint({ url, ticket, extra, websocket }: IssuedConsole): Fields {
  return {
    success: true,
    result: true,
    url,
    websocket: {
      token: ticket,
      host: websocket.host,
      port: String(websocket.port),
      path: websocket.path,
      extra,
    },
  };
}

/** CloudStack's sentence where it has one, as clients look for it; the catalogue's where it has none. */
function details(problem: GatewayError, machineId: string, reference: string): string {
  switch (problem.code) {
    case "forbidden":
      return "Permission denied";
    case "machine_not_running":
      return `Server Internal Error: VM ${machineId} must be running to connect console, sending blank response for console access request`;
    case "no_node_available":
    case "node_full":
      return "Server Internal Error: Console access will be ready in a few minutes. Please try it again later.";
    case "extra_token_required":
      return sentences(problem);
    default:
      return `Server Internal Error: ${sentences(problem)} Reference: ${reference}`;
  }
}

function sentences({ code }: GatewayError): string {
  const { meaning, remedy } = ERRORS[code];
  return `${meaning} ${remedy}`;
}
