import { GatewayError } from "#wire/gateway-error.ts";
import type { NodeJob, NodeJobCommand } from "../../../services.ts";
import type { Fields } from "../answer.ts";
import { missingParameter, STATUS, unknownEntity } from "../cloudstack-error.ts";
import type { Command, CommandContext } from "../command.ts";
import { textOf } from "../parameters.ts";
import { systemVm } from "../system-vm.ts";
import { cloudStackTime } from "../times.ts";

const NAME = "queryAsyncJobResult";

/** By `jobid`: how far a job has come that a command was answered with. Kept for a day. */
export const queryAsyncJobResult: Command = {
  name: NAME,
  access: "everybody",
  changesState: false,
  run,
};

/** CloudStack's numbers. */
const JOB_STATUS = { running: 0, done: 1, failed: 2 } as const satisfies Readonly<
  Record<NodeJob["state"], number>
>;

const CLASSES = {
  reboot: "RebootSystemVmCmd",
  stop: "StopSystemVmCmd",
  start: "StartSystemVMCmd",
  destroy: "DestroySystemVmCmd",
} as const satisfies Readonly<Record<NodeJobCommand, string>>;

async function run({ services, caller, parameters }: CommandContext): Promise<Fields> {
  const jobId = textOf(parameters, "jobid");
  if (jobId === undefined) throw missingParameter(NAME, "jobid");
  const job = await services.nodeJobs.get(caller, jobId).catch((error: unknown) => {
    const isUnknown = error instanceof GatewayError && ["not_found", "forbidden"].includes(error.code);
    throw isUnknown ? unknownEntity(NAME, "jobid", jobId) : error;
  });
  return {
    accountid: job.accountId,
    userid: job.accountId,
    cmd: `org.apache.cloudstack.api.command.admin.systemvm.${CLASSES[job.command]}`,
    jobstatus: JOB_STATUS[job.state],
    jobprocstatus: 0,
    jobresultcode: job.state === "failed" ? STATUS.internal : 0,
    ...(job.state === "running" ? {} : { jobresulttype: "object", jobresult: resultOf(job) }),
    jobinstancetype: "SystemVm",
    jobinstanceid: job.nodeId,
    created: cloudStackTime(job.createdAt.toISOString()),
    jobid: job.id,
  };
}

function resultOf({ state, node, nodeId }: NodeJob): Fields {
  if (state === "failed")
    return {
      errorcode: STATUS.internal,
      errortext:
        node?.state === "revoked"
          ? "The console node was revoked meanwhile"
          : "Something else was asked of the console node meanwhile",
    };
  return { systemvm: node === undefined ? { id: nodeId, systemvmtype: "consoleproxy" } : systemVm(node) };
}
