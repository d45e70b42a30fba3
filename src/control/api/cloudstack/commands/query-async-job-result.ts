import { GatewayError } from "#wire/gateway-error.ts";
import type { NodeJob, NodeJobCommand } from "../../../services.ts";
import type { Fields } from "../answer.ts";
import { missingParameter, STATUS, unknownEntity } from "../cloudstack-error.ts";
import type { Command, CommandContext } from "../command.ts";
import { textOf } from "../parameters.ts";
import { systemVm } from "../system-vm.ts";
import { cloudStackTime } from "../times.ts";

const NAME = "queryAsyncJobResult";

/** By `jobid`: how far a job has come that a command was answered with. Those of nodes are kept for a day. */
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
  try {
    return nodeJob(await services.nodeJobs.get(caller, jobId));
  } catch (error) {
    if (!isUnknown(error)) throw error;
    return await certificateJob({ services, caller }, jobId);
  }
}

function isUnknown(error: unknown): boolean {
  return error instanceof GatewayError && ["not_found", "forbidden"].includes(error.code);
}

/** What was uploaded is its own job: it was done when it was answered with. */
async function certificateJob(
  { services, caller }: Pick<CommandContext, "services" | "caller">,
  jobId: string,
): Promise<Fields> {
  const created = await services.certificates.uploadedAt(caller, jobId).catch((error: unknown) => {
    throw isUnknown(error) ? unknownEntity(NAME, "jobid", jobId) : error;
  });
  return {
    accountid: caller.accountId,
    userid: caller.accountId,
    cmd: "org.apache.cloudstack.api.command.admin.resource.UploadCustomCertificateCmd",
    jobstatus: JOB_STATUS.done,
    jobprocstatus: 0,
    jobresultcode: 0,
    jobresulttype: "object",
    jobresult: {
      customcertificate: {
        message:
          "Certificate has been successfully updated; console nodes take it into use without closing a console",
      },
    },
    created: cloudStackTime(created.toISOString()),
    jobid: jobId,
  };
}

function nodeJob(job: NodeJob): Fields {
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
