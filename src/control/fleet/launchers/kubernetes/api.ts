import { setTimeout as delay } from "node:timers/promises";
import { callKubernetes, type KubernetesAccess, type KubernetesAnswer } from "../../kubernetes-call.ts";
import { LaunchError, launcherLimits } from "../launcher.ts";

const limits = {
  /** Of an answer: some thousand pods, whose descriptions are long. */
  answerBytes: 64 * 1024 * 1024,
  /** Of a call that may succeed when it is made again. */
  attempts: 4,
  /** Whatever the API asks for, it is asked again by then, as whoever waits has a deadline too. */
  longestPauseMs: 5_000,
} as const;

const pauses = { firstMs: 100 } as const;

/** Too many calls, and what servers and load balancers say that are starting, stopping or overwhelmed. */
const TRANSIENT: ReadonlySet<number> = new Set([429, 500, 502, 503, 504]);

interface ApiCall {
  readonly method: "GET" | "PUT";
  readonly path: string;
  readonly body?: unknown;
}

/** What an API server answers to a write that is based on what is out of date. */
export const CONFLICT = 409;
export const NOT_FOUND = 404;

interface ApiAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** Answers with what was asked for, or with one of the `expected` statuses. Throws a LaunchError for everything else. */
export type Api = (call: ApiCall, signal: AbortSignal, expected?: readonly number[]) => Promise<ApiAnswer>;

/**
 * A cluster's API, asked again where that may help. Writes can be said twice: each names the version that it is based on, so
 * the second of two is a conflict.
 */
export function createApi(access: KubernetesAccess): Api {
  return async (call, signal, expected = []) => {
    const what = `${call.method} ${call.path.split("?")[0]}`;
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(launcherLimits.callMs)]);
    for (let attempt = 1; ; attempt++) {
      const answer = await ask(access, call, deadline);
      if (deadline.aborted) throw new LaunchError(`${what} was given up`);
      if (!(answer instanceof Error)) {
        const { status } = answer;
        if (status === 200 || status === 201 || expected.includes(status)) return answer;
        if (!TRANSIENT.has(status) || attempt === limits.attempts)
          throw new LaunchError(
            `the Kubernetes API answers ${what} with status ${status}${reason(answer.body)}`,
          );
      } else if (attempt === limits.attempts)
        throw new LaunchError(`the Kubernetes API cannot be asked: ${answer.message}`, { cause: answer });
      await delay(pauseMs(attempt, answer), undefined, { signal: deadline }).catch(() => {});
    }
  };
}

async function ask(
  access: KubernetesAccess,
  call: ApiCall,
  signal: AbortSignal,
): Promise<KubernetesAnswer | Error> {
  try {
    signal.throwIfAborted();
    return await callKubernetes(access, { ...call, answerBytes: limits.answerBytes, signal });
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

/** Twice as long each time, not in step with other replicas, and at least as long as it says (RFC 9110 §10.2.3). */
function pauseMs(attempt: number, answer: KubernetesAnswer | Error): number {
  const own = pauses.firstMs * 2 ** attempt * (0.5 + Math.random() / 2);
  const asked = answer instanceof Error ? 0 : Number(answer.headers["retry-after"] ?? 0) * 1000;
  return Math.min(Math.max(own, Number.isFinite(asked) ? asked : 0), limits.longestPauseMs);
}

/** API conventions, "Response Status Kind": why, in words for people. */
function reason(body: unknown): string {
  const isStatus = typeof body === "object" && body !== null && "message" in body;
  return isStatus && typeof body.message === "string"
    ? `: ${body.message.replace(/[^\x20-\x7e]/g, " ")}`
    : "";
}
