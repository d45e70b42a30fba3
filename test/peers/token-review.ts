import { once } from "node:events";
import { writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import { createAuthority, issueServerCertificate } from "#tls/authority.ts";
import { scratch } from "../harness/scratch.ts";

/**
 * A stand-in for the one endpoint of the Kubernetes API that control asks, since no API server can be had on a machine
 * that runs tests. Each behaviour is what these documents say of it:
 *
 * [review] Kubernetes API reference, "TokenReview" (authentication.k8s.io/v1): POST makes a review and answers 201 Created
 *   with the object, `spec` repeated and `status` filled in. `authenticated` is absent or false, and `error` says why, for
 *   a token that is not taken. `audiences`: "a client of the TokenReview API that sets the spec.audiences field should
 *   validate that a compatible audience identifier is returned in the status.audiences field to ensure that the TokenReview
 *   server is audience aware"; where it is empty, the token is good for the API server's own audience.
 * [tokens] Kubernetes documentation, "Managing Service Accounts", bound service account tokens: the user name is
 *   `system:serviceaccount:NAMESPACE:NAME`, and `extra` holds `authentication.kubernetes.io/pod-name` and `…/pod-uid` for a
 *   token that is bound to a pod. A token that has expired, or whose pod is gone, is not authenticated.
 * [rbac] Kubernetes documentation, "Using RBAC Authorization", `system:auth-delegator`: who may not make token reviews is
 *   answered 403 with an object of kind Status; who shows no good token, 401 with the same kind.
 */
export interface TokenReviewPeer extends AsyncDisposable {
  readonly api: string;
  /** The API's CA, and the token with which it is to be asked. */
  readonly authorityFile: string;
  readonly tokenFile: string;
  /** What it was asked, in order. */
  readonly asked: readonly Review[];
  /** How it answers instead: `hangs` not at all, `huge` without an end, `nonsense` with what is no review. */
  mood: "reviews" | "hangs" | "huge" | "nonsense" | "broken";
  /** Does not know audiences, as an authenticator of somebody's own may not. [review] */
  ignoresAudiences: boolean;
  stop(): Promise<void>;
}

interface Review {
  readonly apiVersion: string;
  readonly kind: string;
  readonly spec: { readonly token: string; readonly audiences: readonly string[] };
}

/** What the peer knows of a token. */
export interface KnownToken {
  readonly username?: string;
  readonly audiences?: readonly string[];
  readonly pod?: string;
  readonly expired?: boolean;
}

export async function startTokenReview(
  tokens: Readonly<Record<string, KnownToken>>,
): Promise<TokenReviewPeer> {
  const folder = scratch();
  const now = Date.now();
  const authority = await createAuthority({ name: "kubernetes", now });
  const leaf = await issueServerCertificate(authority, { hosts: ["127.0.0.1"], now });
  const [authorityFile, tokenFile] = [join(folder.path, "ca.crt"), join(folder.path, "token")];
  writeFileSync(authorityFile, authority.certificate);
  writeFileSync(tokenFile, "control\n");
  const server = createServer({ cert: leaf.certificate, key: leaf.privateKey });
  const asked: Review[] = [];
  const stop = async () => {
    if (!server.listening) return;
    server.close();
    server.closeAllConnections();
    await once(server, "close");
  };
  server.on("request", (request, response) => void answer(request, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const peer: TokenReviewPeer = {
    api: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    authorityFile,
    tokenFile,
    asked,
    mood: "reviews",
    ignoresAudiences: false,
    stop,
    async [Symbol.asyncDispose]() {
      await stop();
      await folder[Symbol.asyncDispose]();
    },
  };
  return peer;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const review = (await json(request)) as Review;
    const isThere =
      request.method === "POST" && request.url === "/apis/authentication.k8s.io/v1/tokenreviews";
    if (!isThere) say(response, 404, { kind: "Status", code: 404 });
    else if (request.headers.authorization !== "Bearer control")
      say(response, request.headers.authorization === undefined ? 401 : 403, { kind: "Status" }); // [rbac]
    else {
      asked.push(review);
      if (peer.mood === "reviews") say(response, 201, { ...review, status: statusOf(review) }); // [review]
      if (peer.mood === "nonsense") say(response, 201, { kind: "Pod", status: "Running" });
      if (peer.mood === "broken") request.socket.destroy();
      if (peer.mood === "huge") response.writeHead(201).end(Buffer.alloc(300 * 1024, "x"));
    }
  }

  function statusOf({ spec }: Review): object {
    const known = tokens[spec.token];
    if (known === undefined) return { user: {}, error: "[invalid bearer token, unknown]" }; // [review]
    const expired = "[invalid bearer token, service account token has expired]";
    if (known.expired === true) return { user: {}, error: expired }; // [tokens]
    const own = known.audiences ?? ["https://kubernetes.default.svc"];
    const common = own.filter((audience) => spec.audiences.includes(audience));
    const wrong = `[invalid bearer token, token audiences ${JSON.stringify(own)} is invalid for the target audiences ${JSON.stringify(spec.audiences)}]`;
    if (common.length === 0 && !peer.ignoresAudiences) return { user: {}, error: wrong }; // [review]
    const pod = known.pod === undefined ? {} : { "authentication.kubernetes.io/pod-name": [known.pod] };
    return {
      authenticated: true,
      user: { username: known.username, uid: "7e4c", groups: ["system:serviceaccounts"], extra: pod }, // [tokens]
      ...(peer.ignoresAudiences ? {} : { audiences: common }), // [review]
    };
  }
}

function say(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
}
