/** The deadline of some work has passed. */
export class DeadlineError extends Error {
  override readonly name = "DeadlineError";
}

/**
 * Runs work whose signal aborts after so many milliseconds, with a DeadlineError, or when `signal` does. Nothing of
 * it is left when the work is done; `AbortSignal.timeout` would stay until its time has come, for every console.
 */
export async function withDeadline<Result>(
  milliseconds: number,
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const controller = new AbortController();
  const abort = () => controller.abort(signal?.reason);
  const timer = setTimeout(() => controller.abort(new DeadlineError("deadline passed")), milliseconds);
  if (signal?.aborted === true) abort();
  signal?.addEventListener("abort", abort, { once: true });
  try {
    return await work(controller.signal);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
  }
}
