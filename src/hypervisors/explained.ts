import { GatewayError } from "#wire/gateway-error.ts";
import { HypervisorError, STEP_CODES } from "./hypervisor-error.ts";

/**
 * Does it, and throws a GatewayError in place of the step that failed. What was said at it is the cause, which the public is not told:
 * hosts, files and references are named there. `translated` says what a platform's own errors stand for.
 */
export async function explained<Result>(
  who: string,
  work: () => Promise<Result>,
  translated: (thrown: unknown) => unknown = (thrown) => thrown,
): Promise<Result> {
  try {
    return await work();
  } catch (thrown) {
    const cause = translated(thrown);
    if (cause instanceof HypervisorError)
      throw new GatewayError(STEP_CODES[cause.step], { cause, detail: `${who}: ${cause.step}` });
    if (cause instanceof DOMException && cause.name === "TimeoutError")
      throw new GatewayError("upstream_timeout", { cause, detail: who });
    throw cause;
  }
}

/** Undefined in place of `machine_gone`: whoever looks for a machine is told so too where it goes while it is looked at. */
export async function ifThere<Result>(work: () => Promise<Result>): Promise<Result | undefined> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof GatewayError && error.code === "machine_gone") return undefined;
    throw error;
  }
}

/** The platform has nothing of the kind. */
export function notSupported(who: string, what: string): GatewayError {
  return new GatewayError("upstream_refused", { cause: new Error(what), detail: `${who}: not supported` });
}
