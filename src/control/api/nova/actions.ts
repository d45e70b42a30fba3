import { toGatewayError } from "#wire/gateway-error.ts";
import { type NovaCall, parameterOf } from "./call.ts";
import type { NovaProtocol } from "./console-types.ts";
import { FAULTS, NovaFault } from "./fault.ts";
import { openConsole, requireServer } from "./open-console.ts";
import { pythonOf } from "./python.ts";
import { bodyOf, invalid, requireMembers, requireObject, wrapped } from "./request-body.ts";

const limits = {
  /** The last microversion in which consoles are opened by actions. */
  lastVersion: 5,
  /** Of an action's name that is said back. */
  shownCharacters: 64,
} as const;

/** How consoles were opened before 2.6. There never was one for MKS. */
const CONSOLE_ACTIONS = {
  "os-getVNCConsole": { protocol: "vnc", types: ["novnc", "xvpvnc"] },
  "os-getSPICEConsole": { protocol: "spice", types: ["spice-html5"] },
  "os-getRDPConsole": { protocol: "rdp", types: ["rdp-html5"] },
  "os-getSerialConsole": { protocol: "serial", types: ["serial"] },
} as const satisfies Readonly<
  Record<string, { readonly protocol: NovaProtocol; readonly types: readonly string[] }>
>;
type ConsoleAction = keyof typeof CONSOLE_ACTIONS;

const OUTPUT_ACTION = "os-getConsoleOutput";

/** `POST /servers/{id}/action`: the body's one member says which. */
export async function actOnServer(call: NovaCall): Promise<unknown> {
  const body = bodyOf(call.request);
  if (typeof body !== "object" || body === null || Array.isArray(body)) throw FAULTS.malformed();
  const [action, ...others] = Object.keys(body);
  if (action === undefined || others.length > 0) throw FAULTS.malformed();
  if (action === OUTPUT_ACTION) return await showOutput(call, body);
  if (isConsoleAction(action)) return await showConsole(call, action, body);
  throw new NovaFault(400, `There is no such action: ${action.slice(0, limits.shownCharacters)}`);
}

async function showConsole(call: NovaCall, action: ConsoleAction, body: object): Promise<unknown> {
  if (call.version > limits.lastVersion) throw FAULTS.unknownPath();
  const { protocol, types } = CONSOLE_ACTIONS[action];
  const { type } = wrapped(body, action, { type: types });
  const url = await openConsole(call, { serverId: parameterOf(call, "id"), protocol, type });
  return { console: { type, url } };
}

/**
 * What a machine's serial line has said, the last `length` lines of it. A line that nobody has open is told as that: an empty output would
 * say that the machine has said nothing, which nobody knows.
 */
async function showOutput(call: NovaCall, body: object): Promise<unknown> {
  const length = lengthOf(requireObject(Object.values(body)[0], OUTPUT_ACTION));
  const { id } = await requireServer(call, parameterOf(call, "id"));
  try {
    return { output: lastLines(await call.services.consoleOutputs.read(call.caller, id), length) };
  } catch (error) {
    const problem = toGatewayError(error);
    if (problem.code === "console_unavailable") throw FAULTS.noConsole();
    if (problem.code === "machine_not_running") throw FAULTS.notReady(id);
    throw problem;
  }
}

/** As Nova counts: what stands behind the last line feed is a line. */
function lastLines(text: string, length: number | undefined): string {
  if (length === undefined) return text;
  return length === 0 ? "" : text.split("\n").slice(-length).join("\n");
}

/** A whole number, perhaps as text; -1 and none at all mean all of it, which is undefined. */
function lengthOf(options: Readonly<Record<string, unknown>>): number | undefined {
  requireMembers(options, ["length"], { field: OUTPUT_ACTION, required: [] });
  const { length = null } = options;
  if (length === null) return undefined;
  if (typeof length !== "string" && (typeof length !== "number" || !Number.isInteger(length)))
    throw invalid("length", length, "is not of type 'integer', 'string', 'null'");
  if (typeof length === "string" && !/^-?\d{1,9}$/.test(length))
    throw invalid("length", length, `does not match ${pythonOf("^-?[0-9]+$")}`);
  const lines = Number(length);
  if (lines < -1) throw invalid("length", length, "is less than the minimum of -1");
  return lines === -1 ? undefined : lines;
}

function isConsoleAction(name: string): name is ConsoleAction {
  return Object.hasOwn(CONSOLE_ACTIONS, name);
}
