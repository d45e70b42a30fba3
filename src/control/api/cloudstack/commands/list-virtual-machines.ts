import { type Machine, pageLimits } from "#wire/api.ts";
import { GatewayError, printable } from "#wire/gateway-error.ts";
import { nameKey } from "../../../names.ts";
import type { Fields } from "../answer.ts";
import { CloudStackError, invalidValue, STATUS, unknownEntity } from "../cloudstack-error.ts";
import type { Command, CommandContext } from "../command.ts";
import { type Parameters, textOf } from "../parameters.ts";

const NAME = "listVirtualMachines";

const limits = {
  /** CloudStack's default.page.size, which is the largest page as well. */
  pageSize: 500,
  /** Of `ids`; each is looked up by itself. */
  ids: 500,
} as const;

/** CloudStack's words for the states of a machine. */
const STATES = { running: "Running", stopped: "Stopped" } as const satisfies Record<Machine["state"], string>;

/** By `id`, `ids`, `name`, `keyword`, `projectid` (-1 for all), `state`, and by `page` with `pagesize`. */
export const listVirtualMachines: Command = { name: NAME, run };

async function run(context: CommandContext): Promise<Fields> {
  const { first, size } = window(context.parameters);
  const matches = filterBy(context.parameters);
  const shown: Fields[] = [];
  let count = 0;
  for await (const machine of candidates(context)) {
    if (!matches(machine)) continue;
    if (count >= first && shown.length < size) shown.push(virtualMachine(machine));
    count += 1;
  }
  // An empty list is an empty object, and so is a page behind the last.
  return count === 0 ? {} : { count, ...(shown.length === 0 ? {} : { virtualmachine: shown }) };
}

/** Every machine that the caller may see and that the request's id, name or keyword can mean. */
async function* candidates({ services: { machines }, caller, parameters }: CommandContext) {
  const wanted = wantedIds(parameters);
  if (wanted !== undefined) {
    for (const id of wanted.ids) yield await machineBy(id, wanted.parameter);
    return;
  }
  let after: string | undefined;
  do {
    const page = await machines.list(caller, {
      // Both are parts of the name in CloudStack; filterBy judges the one that is not sent along.
      keyword: textOf(parameters, "keyword") ?? textOf(parameters, "name"),
      after,
      limit: pageLimits.maximumItems,
    });
    yield* page.items;
    after = page.next;
  } while (after !== undefined);

  async function machineBy(id: string, parameter: string): Promise<Machine> {
    try {
      return await machines.get(caller, id);
    } catch (error) {
      const unknown = error instanceof GatewayError && error.code === "not_found";
      throw unknown ? unknownEntity(NAME, parameter, id) : error;
    }
  }
}

function wantedIds(
  parameters: Parameters,
): { readonly parameter: string; readonly ids: readonly string[] } | undefined {
  const id = textOf(parameters, "id");
  const ids = textOf(parameters, "ids");
  if (id !== undefined && ids !== undefined)
    throw new CloudStackError(STATUS.parameter, "Specify either id or ids but not both parameters");
  if (id !== undefined) return { parameter: "id", ids: [id] };
  if (ids === undefined) return undefined;
  const list = [...new Set(ids.split(",").filter((item) => item !== ""))];
  if (list.length > limits.ids) throw invalidValue(NAME, `More than ${limits.ids} values for parameter ids`);
  return { parameter: "ids", ids: list };
}

function filterBy(parameters: Parameters): (machine: Machine) => boolean {
  const parts = ["name", "keyword"].map((parameter) => nameKey(textOf(parameters, parameter) ?? ""));
  const projectId = textOf(parameters, "projectid");
  const state = textOf(parameters, "state")?.toLowerCase();
  return (machine) =>
    parts.every((part) => nameKey(machine.name).includes(part)) &&
    (projectId === undefined || projectId === "-1" || machine.projectId === projectId) &&
    // "Present" is CloudStack's word for every state but the destroyed ones, which are not kept here.
    (state === undefined || state === "present" || machine.state === state);
}

/** Which of the matching machines are shown. */
function window(parameters: Parameters): { readonly first: number; readonly size: number } {
  const page = integer(parameters, "page");
  const pageSize = integer(parameters, "pagesize");
  if (page === undefined && pageSize !== undefined && pageSize !== -1)
    throw new CloudStackError(STATUS.parameter, '"page" parameter is required when "pagesize" is specified');
  if (page !== undefined && pageSize === undefined)
    throw new CloudStackError(STATUS.parameter, '"pagesize" parameter is required when "page" is specified');
  if (page !== undefined && pageSize === -1)
    throw new CloudStackError(
      STATUS.parameter,
      "Can't specify page parameter when pagesize is -1 (Unlimited)",
    );
  if (pageSize !== undefined && pageSize > limits.pageSize)
    throw new CloudStackError(
      STATUS.parameter,
      `Page size can't exceed max allowed page size value: ${limits.pageSize}`,
    );
  const size = pageSize ?? limits.pageSize;
  return { first: size * (Math.max(page ?? 1, 1) - 1), size: size === -1 ? Number.POSITIVE_INFINITY : size };
}

function integer(parameters: Parameters, name: string): number | undefined {
  const text = textOf(parameters, name);
  if (text === undefined) return undefined;
  if (!/^-?\d{1,9}$/.test(text))
    throw invalidValue(NAME, `Invalid parameter ${name} value=${printable(text)}`);
  return Number(text);
}

function virtualMachine(machine: Machine): Fields {
  return {
    id: machine.id,
    name: machine.name,
    displayname: machine.name,
    projectid: machine.projectId,
    project: machine.project,
    created: machine.createdAt.replace(/(?:\.\d+)?Z$/, "+0000"),
    state: STATES[machine.state],
    hypervisor: "External",
  };
}
