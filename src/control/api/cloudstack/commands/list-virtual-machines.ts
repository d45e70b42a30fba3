import type { Machine, MachineState } from "#wire/api.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { Fields } from "../answer.ts";
import { CloudStackError, invalidValue, STATUS, unknownEntity } from "../cloudstack-error.ts";
import type { Command, CommandContext } from "../command.ts";
import { DOMAIN } from "../domain.ts";
import { listFields, windowOf } from "../paging.ts";
import { type Parameters, textOf } from "../parameters.ts";
import { cloudStackTime } from "../times.ts";

const NAME = "listVirtualMachines";

const limits = {
  /** Of `ids`; each is looked up by itself. */
  ids: 500,
} as const;

/** CloudStack's words for the states of a machine. */
const STATES = { running: "Running", stopped: "Stopped" } as const satisfies Record<MachineState, string>;

/** By `id`, `ids`, `name`, `keyword`, `projectid` (-1 for all), `state`, and by `page` with `pagesize`. */
export const listVirtualMachines: Command = { name: NAME, access: "everybody", changesState: false, run };

async function run(context: CommandContext): Promise<Fields> {
  const { services, caller, parameters } = context;
  const window = windowOf(NAME, parameters);
  const ids = await wantedIds(context);
  const state = wantedState(parameters);
  if (state === "none") return {};
  const project = textOf(parameters, "projectid");
  const filter = {
    ids,
    keywords: [textOf(parameters, "name") ?? "", textOf(parameters, "keyword") ?? ""],
    projectId: project === "-1" ? undefined : project,
    state,
  };
  const found = await services.machines.search(caller, filter, window);
  return listFields("virtualmachine", found, virtualMachine);
}

/** Throws for an id of nothing, and for one of a machine that the caller may not see, alike. */
async function wantedIds({
  services: { machines },
  caller,
  parameters,
}: CommandContext): Promise<readonly string[] | undefined> {
  const id = textOf(parameters, "id");
  const ids = textOf(parameters, "ids");
  if (id !== undefined && ids !== undefined)
    throw new CloudStackError(STATUS.parameter, "Specify either id or ids but not both parameters");
  if (id === undefined && ids === undefined) return undefined;
  const wanted = id === undefined ? listOf(ids ?? "") : [id];
  if (wanted.length > limits.ids)
    throw invalidValue(NAME, `More than ${limits.ids} values for parameter ids`);
  for (const each of wanted) {
    try {
      await machines.get(caller, each);
    } catch (error) {
      const unknown = error instanceof GatewayError && error.code === "not_found";
      throw unknown ? unknownEntity(NAME, id === undefined ? "ids" : "id", each) : error;
    }
  }
  return wanted;
}

function listOf(text: string): string[] {
  return [...new Set(text.split(",").filter((item) => item !== ""))];
}

/** "Present" is CloudStack's word for every state but the destroyed ones, which are not kept here: of others there are none. */
function wantedState(parameters: Parameters): MachineState | "none" | undefined {
  const state = textOf(parameters, "state")?.toLowerCase();
  if (state === undefined || state === "present") return undefined;
  return state === "running" || state === "stopped" ? state : "none";
}

function virtualMachine(machine: Machine): Fields {
  return {
    id: machine.id,
    name: machine.name,
    displayname: machine.name,
    projectid: machine.projectId,
    project: machine.project,
    created: cloudStackTime(machine.createdAt),
    state: STATES[machine.state],
    hypervisor: "External",
    domainid: DOMAIN.id,
    domain: DOMAIN.name,
    // Clients take these for granted.
    nic: [],
    securitygroup: [],
    affinitygroup: [],
    tags: [],
  };
}
