import type { HypervisorStep } from "#wire/hypervisors.ts";

/** The way to a hypervisor failed at a step. The message is fit for administrators, and holds no secret. */
export class HypervisorError extends Error {
  override readonly name = "HypervisorError";
  readonly step: HypervisorStep;

  constructor(step: HypervisorStep, message: string, options?: ErrorOptions) {
    super(message, options);
    this.step = step;
  }
}
