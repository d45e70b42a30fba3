import type { ErrorCode } from "#wire/errors.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import { STEP_DETAILS, type UpstreamStep } from "#wire/upstream-step.ts";

/** What may happen in several steps, so that the code alone does not say in which. */
const AMBIGUOUS: ReadonlySet<ErrorCode> = new Set(["upstream_timeout", "upstream_closed", "upstream_lost"]);

/** The same failure, with the step in which it happened; where the code leaves that open, people are told too. */
export function failedAt(step: UpstreamStep, error: GatewayError): GatewayError {
  const { code, cause, detail = AMBIGUOUS.has(code) ? STEP_DETAILS[step] : undefined, reference } = error;
  return new UpstreamFailure(code, step, { cause, detail, reference });
}

/** The step in which something failed on its way to a console. */
export function stepOf(error: unknown): UpstreamStep | undefined {
  return error instanceof UpstreamFailure ? error.step : undefined;
}

class UpstreamFailure extends GatewayError {
  readonly step: UpstreamStep;

  constructor(code: ErrorCode, step: UpstreamStep, options: ConstructorParameters<typeof GatewayError>[1]) {
    super(code, options);
    this.step = step;
  }
}
