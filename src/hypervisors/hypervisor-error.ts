import type { ErrorCode } from "#wire/errors.ts";
import type { HypervisorStep } from "#wire/hypervisors.ts";

/** What the public is told of a way that failed. The step stands beside it; the rest is for the log. */
export const STEP_CODES: Readonly<Record<HypervisorStep, ErrorCode>> = {
  command: "upstream_unreachable",
  dns: "upstream_name_unresolved",
  tcp: "upstream_unreachable",
  socket: "upstream_unreachable",
  tls: "upstream_refused",
  "host-key": "upstream_refused",
  credentials: "upstream_refused",
  answer: "upstream_timeout",
  rights: "upstream_refused",
};

/** The way to a hypervisor failed at a step. The message is fit for administrators, and holds no secret. */
export class HypervisorError extends Error {
  override readonly name = "HypervisorError";
  readonly step: HypervisorStep;

  constructor(step: HypervisorStep, message: string, options?: ErrorOptions) {
    super(message, options);
    this.step = step;
  }
}

/** The part of a platform that has a machine does not answer, while others do: nothing is known of that machine, and nothing is amiss with the rest. */
export class PartSilent extends HypervisorError {}
