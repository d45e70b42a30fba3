import { Type } from "typebox";
import { Compile } from "typebox/schema";
import type { Log } from "#base/process/log.ts";
import { GatewayError, printable } from "#wire/gateway-error.ts";
import { callKubernetes, type KubernetesAccess } from "./kubernetes-call.ts";

const limits = {
  /** Of an answer, which repeats the token and says who it is. */
  answerBytes: 256 * 1024,
  /** Reviews at once: whoever asks to join costs a question to the API. */
  running: 16,
} as const;

const deadlines = { reviewMs: 10_000 } as const;

/** What a pod's token is to be made for: see docs/operations/kubernetes.md. */
const AUDIENCE = "porthole";

const PATH = "/apis/authentication.k8s.io/v1/tokenreviews";

/** Says in the answer's `extra` which pod a token is bound to. */
const POD = "authentication.kubernetes.io/pod-name";

const isReview = Compile(
  Type.Object({
    kind: Type.Literal("TokenReview"),
    status: Type.Object({
      authenticated: Type.Optional(Type.Boolean()),
      error: Type.Optional(Type.String()),
      audiences: Type.Optional(Type.Array(Type.String())),
      user: Type.Optional(
        Type.Object({
          username: Type.Optional(Type.String()),
          extra: Type.Optional(Type.Record(Type.String(), Type.Array(Type.String()))),
        }),
      ),
    }),
  }),
);

/** The token must be allowed to make token reviews. */
export interface KubernetesOptions extends KubernetesAccess {
  /** Who may join, each as NAMESPACE/NAME. */
  readonly serviceAccounts: readonly string[];
  readonly log: Log;
}

/** Resolves to the pod that a token is bound to. Throws `join_token_invalid`, or `kubernetes_unavailable`. */
export type ReviewToken = (token: string) => Promise<string>;

/** Judges tokens of service accounts by the API's own word: authentication.k8s.io/v1 TokenReview. */
export function createTokenReview(options: KubernetesOptions): ReviewToken {
  const { serviceAccounts, log } = options;
  let running = 0;

  return async (token) => {
    if (running >= limits.running) throw new GatewayError("rate_limited");
    running += 1;
    try {
      const pod = podOf(await review(token, options), serviceAccounts);
      if ("pod" in pod) return pod.pod;
      log.info({ reason: pod.refused }, "A service account token is not one to join with");
      throw new GatewayError("join_token_invalid", { detail: pod.refused });
    } catch (error) {
      if (error instanceof GatewayError) throw error;
      log.error({ error }, "The Kubernetes API could not be asked about a token");
      throw new GatewayError("kubernetes_unavailable", { cause: error });
    } finally {
      running -= 1;
    }
  };
}

interface Status {
  readonly authenticated?: boolean;
  readonly error?: string;
  readonly audiences?: string[];
  readonly user?: { readonly username?: string; readonly extra?: Record<string, string[]> };
}

function podOf(
  { authenticated, error, audiences, user }: Status,
  serviceAccounts: readonly string[],
): { readonly pod: string } | { readonly refused: string } {
  if (authenticated !== true)
    return {
      refused: `Kubernetes does not take the service account token: ${printable(error ?? "no reason given")}`,
    };
  // An API server that knows nothing of audiences would take a token that was made for somebody else.
  if (audiences?.includes(AUDIENCE) !== true)
    return { refused: `the service account token is not for the audience ${AUDIENCE}` };
  const [, namespace, name] = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(user?.username ?? "") ?? [];
  if (namespace === undefined || name === undefined)
    return { refused: "the token is not that of a service account" };
  if (!serviceAccounts.includes(`${namespace}/${name}`))
    return { refused: printable(`the service account ${namespace}/${name} may not join`) };
  const [pod] = user?.extra?.[POD] ?? [];
  if (pod === undefined) return { refused: "the service account token is bound to no pod" };
  return { pod: printable(`${namespace}/${pod}`) };
}

async function review(token: string, access: KubernetesOptions): Promise<Status> {
  const spec = { token, audiences: [AUDIENCE] };
  const { status, body } = await callKubernetes(access, {
    method: "POST",
    path: PATH,
    body: { apiVersion: "authentication.k8s.io/v1", kind: "TokenReview", spec },
    answerBytes: limits.answerBytes,
    signal: AbortSignal.timeout(deadlines.reviewMs),
  });
  // 201 is what is documented for what was made; 403 is what comes without the right to make it.
  if (status !== 201 && status !== 200)
    throw new Error(`the Kubernetes API answers a token review with status ${status}`);
  if (!isReview.Check(body)) throw new Error("what answers is no token review");
  return body.status;
}
