import { GatewayError } from "#wire/gateway-error.ts";
import type { NodeJobCommand } from "../../../services.ts";
import type { Fields } from "../answer.ts";
import { CloudStackError, missingParameter, STATUS, unknownEntity } from "../cloudstack-error.ts";
import type { Command, CommandContext } from "../command.ts";
import { textOf } from "../parameters.ts";

/**
 * What is asked of console nodes, by `id`: answered with a job, which `queryAsyncJobResult` tells of. Open sessions are waited
 * for, and their viewers told, unless `forced` is true: then they end at once.
 */
export const SYSTEM_VM_COMMANDS: readonly Command[] = [
  command("rebootSystemVm", "reboot"),
  command("stopSystemVm", "stop"),
  command("startSystemVm", "start"),
  command("destroySystemVm", "destroy"),
];

function command(name: string, asked: NodeJobCommand): Command {
  return {
    name,
    access: "administrators",
    changesState: true,
    run: async (context) => await run(context, { name, asked }),
  };
}

async function run(
  { services, caller, parameters }: CommandContext,
  { name, asked }: { readonly name: string; readonly asked: NodeJobCommand },
): Promise<Fields> {
  const nodeId = textOf(parameters, "id");
  if (nodeId === undefined) throw missingParameter(name, "id");
  const forced = textOf(parameters, "forced")?.toLowerCase() === "true";
  try {
    const { id } = await services.nodeJobs.start(caller, { command: asked, nodeId, forced });
    return { jobid: id };
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    if (error.code === "not_found") throw unknownEntity(name, "id", nodeId);
    if (error.code === "conflict" && error.detail !== undefined)
      throw new CloudStackError(STATUS.parameter, error.detail);
    throw error;
  }
}
