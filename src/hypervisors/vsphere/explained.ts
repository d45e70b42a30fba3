import type { ErrorCode } from "#wire/errors.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import { explained as explainedOf } from "../explained.ts";
import { HypervisorError } from "../hypervisor-error.ts";
import { VsphereFault } from "./soap.ts";

/** Does it, and throws a GatewayError in place of what vSphere or the way to it has thrown. */
export async function explained<Result>(work: () => Promise<Result>): Promise<Result> {
  return await explainedOf("vSphere", work, translated);
}

/** Faults of which something can be said that helps. */
const FAULTS: Readonly<Record<string, { readonly code: ErrorCode; readonly detail?: string }>> = {
  ManagedObjectNotFound: { code: "machine_gone" },
  InvalidPowerState: { code: "machine_not_running" },
  InvalidState: { code: "upstream_refused", detail: "vSphere: the machine is not in a state for that" },
  ToolsUnavailable: {
    code: "upstream_refused",
    detail: "vSphere: VMware Tools do not run in the guest, and without them it cannot be asked",
  },
  TaskInProgress: { code: "upstream_refused", detail: "vSphere: something else is just done to the machine" },
};

function translated(cause: unknown): unknown {
  if (cause instanceof HypervisorError && cause.step === "answer" && !isLate(cause))
    return new GatewayError("upstream_refused", { cause, detail: "vSphere: what it says cannot be used" });
  if (!(cause instanceof VsphereFault)) return cause;
  const said = FAULTS[cause.fault];
  if (said !== undefined) return new GatewayError(said.code, { cause, detail: said.detail });
  const detail =
    cause.privilege === undefined
      ? "vSphere does not do what it is asked; its reason is in control's log"
      : `vSphere: the account lacks the privilege ${cause.privilege}`;
  return new GatewayError("upstream_refused", { cause, detail });
}

/** It has said nothing, and not something that is no answer. */
function isLate({ cause }: HypervisorError): boolean {
  return cause instanceof DOMException && cause.name === "TimeoutError";
}
