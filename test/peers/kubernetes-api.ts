import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { createAuthority, issueServerCertificate } from "#tls/authority.ts";
import { scratch } from "../harness/scratch.ts";
import { openApiJudge } from "./kubernetes-openapi.ts";

/**
 * A stand-in for a cluster with one StatefulSet and one config map, since no API server can be had on a machine that runs
 * tests. Paths, parameters, bodies and its own answers are judged by Kubernetes' OpenAPI document (kubernetes-openapi.ts); what
 * that does not say, these documents do:
 *
 * [concurrency] Kubernetes API conventions, "Concurrency Control and Consistency": an update whose resourceVersion is not
 *   the present one is answered 409 Conflict with an object of kind Status, reason Conflict; every change makes a new one.
 * [scale] Kubernetes API reference, Scale (autoscaling/v1): spec.replicas is what is asked for, status.replicas what is there,
 *   status.selector the label query over its pods, as a string. Scale and StatefulSet are one object with one version.
 * [sets] Kubernetes documentation, "StatefulSets", Deployment and Scaling Guarantees: pods are named NAME-0 … NAME-(N-1); they
 *   are taken away from the last one on, and a pod's successor of the same name is made when it has gone entirely.
 * [pods] Kubernetes documentation, "Pod Lifecycle", Termination of Pods: a pod that is deleted has a deletionTimestamp, and
 *   stays, with its uid, until preStop and the grace period are over. A new one has a new uid. It is ready by its condition Ready.
 * [rbac] "Using RBAC Authorization": 401 without a good token, 403 without the right, with an object of kind Status.
 * [throttle] "API Priority and Fairness": 429 Too Many Requests, with Retry-After.
 */
export interface KubernetesApi extends AsyncDisposable {
  readonly api: string;
  readonly authorityFile: string;
  readonly tokenFile: string;
  readonly namespace: string;
  readonly statefulSet: string;
  /** What was wrong with requests, or with its own answers. */
  readonly violations: readonly string[];
  /** All bodies that it was sent. */
  readonly said: string;
  /** What it was asked, as RBAC has it: `update statefulsets/scale.apps porthole-proxy`, `list pods`. */
  readonly rights: ReadonlySet<string>;
  /** The most replicas that were ever asked for. */
  readonly mostReplicas: number;
  readonly pods: readonly string[];
  /** Statuses to be answered with instead, one for each of the next requests. */
  readonly failures: number[];
  /** Changes the object behind the next so many writes, so that each is a conflict. */
  interferences: number;
  /** Whether pods come to be ready, and whether those that are deleted go. */
  podsStart: boolean;
  podsGo: boolean;
  /** As `kubectl scale` does. */
  scaleTo(replicas: number): void;
  /** What somebody else writes into the config map. */
  writeOrders(orders: string): void;
  stop(): Promise<void>;
}

interface Pod {
  readonly name: string;
  readonly uid: string;
  readonly bornAt: string;
  ready: boolean;
  deleted: boolean;
}

const NAMESPACE = "consoles";
const SET = "porthole-proxy";
const LABELS = { "app.kubernetes.io/name": "porthole", "app.kubernetes.io/component": "proxy" };
const SELECTOR = Object.entries(LABELS)
  .map(([key, value]) => `${key}=${value}`)
  .join(",");

export async function startKubernetesApi({
  replicas = 0,
}: {
  readonly replicas?: number;
} = {}): Promise<KubernetesApi> {
  const folder = scratch();
  const now = Date.now();
  const authority = await createAuthority({ name: "kubernetes", now });
  const leaf = await issueServerCertificate(authority, { hosts: ["127.0.0.1"], now });
  const [authorityFile, tokenFile] = [join(folder.path, "ca.crt"), join(folder.path, "token")];
  writeFileSync(authorityFile, authority.certificate);
  writeFileSync(tokenFile, "control\n");
  const judge = openApiJudge();
  const server = createServer({ cert: leaf.certificate, key: leaf.privateKey });
  const violations: string[] = [];
  const state = { replicas, most: replicas, version: 1, mapVersion: 1, data: {} as Record<string, string> };
  const pods: Pod[] = [];
  const bodies: string[] = [];
  const rights = new Set<string>();
  const stop = async () => {
    if (!server.listening) return;
    server.close();
    server.closeAllConnections();
    await once(server, "close");
  };
  server.on("request", (request, response) => void answer(request, response));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const peer = {
    api: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    authorityFile,
    tokenFile,
    namespace: NAMESPACE,
    statefulSet: SET,
    violations,
    rights,
    get said() {
      return bodies.join("\n");
    },
    get mostReplicas() {
      return state.most;
    },
    get pods() {
      return pods.map(({ name }) => name);
    },
    failures: [] as number[],
    interferences: 0,
    podsStart: true,
    podsGo: true,
    scaleTo(wanted: number) {
      state.replicas = wanted;
      state.version += 1;
    },
    writeOrders(orders: string) {
      state.data = { orders };
      state.mapVersion += 1;
    },
    stop,
    async [Symbol.asyncDispose]() {
      await stop();
      await folder[Symbol.asyncDispose]();
      assert.deepEqual(violations, [], "requests and answers are as Kubernetes' OpenAPI document has them");
    },
  };
  return peer;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "", url = "" } = request;
    rights.add(rightFor(method, url));
    const said = await text(request);
    bodies.push(said);
    const body: unknown = said === "" ? undefined : JSON.parse(said);
    const judgement = judge({ method, url, contentType: request.headers["content-type"], body });
    const failure = peer.failures.shift();
    if (failure !== undefined) return say(response, failure, status(failure), { "retry-after": "0" }); // [throttle]
    if (request.headers.authorization !== "Bearer control") return say(response, 403, status(403)); // [rbac]
    if (judgement === undefined) return say(response, 404, status(404));
    violations.push(...judgement.problems.map((problem) => `${method} ${url}: ${problem}`));
    if (judgement.problems.length > 0) return say(response, 400, status(400));
    const [code, answered] = handle(method, judgement.path, { url, body });
    if (code < 400)
      violations.push(...judgement.answerProblems(code, answered).map((problem) => `the double: ${problem}`));
    say(response, code, answered);
  }

  function handle(
    method: string,
    path: string,
    { url, body }: { readonly url: string; readonly body: unknown },
  ): readonly [number, unknown] {
    reconcile();
    const { pathname, searchParams } = new URL(url, "https://cluster");
    const isOurs = pathname.includes(`/namespaces/${NAMESPACE}/`);
    if (isOurs && path.endsWith("/statefulsets/{name}/scale") && pathname.endsWith(`/${SET}/scale`)) {
      const given = body as ReturnType<typeof scale> | undefined;
      if (method === "GET") return [200, scale()];
      if (interfered("version") || given?.metadata.resourceVersion !== String(state.version))
        return conflict();
      state.replicas = given.spec.replicas;
      state.most = Math.max(state.most, state.replicas);
      state.version += 1;
      return [200, scale()];
    }
    if (isOurs && path.endsWith("/configmaps/{name}") && pathname.endsWith(`/${SET}-orders`)) {
      const given = body as ReturnType<typeof configMap> | undefined;
      if (method === "GET") return [200, configMap()];
      if (interfered("mapVersion") || given?.metadata.resourceVersion !== String(state.mapVersion))
        return conflict();
      state.data = given.data;
      state.mapVersion += 1;
      return [200, configMap()];
    }
    if (isOurs && path.endsWith("/pods") && method === "GET") {
      const items = searchParams.get("labelSelector") === SELECTOR ? pods.map(podObject) : [];
      return [200, { apiVersion: "v1", kind: "PodList", metadata: {}, items }];
    }
    return [404, status(404)];
  }

  /** What the cluster's controllers do, one step for each request. [sets] [pods] */
  function reconcile(): void {
    for (let index = pods.length - 1; index >= 0; index--)
      if (pods[index]?.deleted && peer.podsGo) pods.splice(index, 1);
    for (const pod of pods) {
      if (ordinal(pod) >= state.replicas) pod.deleted = true;
      else if (peer.podsStart && !pod.deleted) pod.ready = true;
    }
    for (let number = 0; number < state.replicas; number++) {
      if (pods.some((pod) => ordinal(pod) === number)) continue;
      const bornAt = new Date().toISOString();
      pods.push({ name: `${SET}-${number}`, uid: randomUUID(), bornAt, ready: false, deleted: false });
    }
  }

  function interfered(version: "version" | "mapVersion"): boolean {
    if (peer.interferences === 0) return false;
    peer.interferences -= 1;
    state[version] += 1;
    return true;
  }

  function scale() {
    return {
      apiVersion: "autoscaling/v1",
      kind: "Scale",
      metadata: { name: SET, namespace: NAMESPACE, resourceVersion: String(state.version) },
      spec: { replicas: state.replicas },
      status: { replicas: pods.length, selector: SELECTOR },
    };
  }

  function configMap() {
    const metadata = {
      name: `${SET}-orders`,
      namespace: NAMESPACE,
      resourceVersion: String(state.mapVersion),
    };
    return { apiVersion: "v1", kind: "ConfigMap", metadata, data: state.data };
  }
}

/** "Authorization", Determine the request verb: of one object by name `get`, of all of a kind `list`; PUT is `update`. */
function rightFor(method: string, url: string): string {
  const path = new URL(url, "https://cluster").pathname;
  const pattern =
    /^\/(?:api|apis\/(?<group>[^/]+))\/v1\/namespaces\/[^/]+\/(?<kind>[a-z]+)(?:\/(?<name>[^/]+)(?<part>\/[a-z]+)?)?$/;
  const { group, kind, name, part = "" } = pattern.exec(path)?.groups ?? {};
  const verb = method === "PUT" ? "update" : name === undefined ? "list" : "get";
  const what = `${kind}${part}${group === undefined ? "" : `.${group}`}`;
  return [verb, what, ...(name === undefined ? [] : [name])].join(" ");
}

function podObject({ name, uid, bornAt, ready, deleted }: Pod): object {
  const waiting = { reason: "ImagePullBackOff", message: "Back-off pulling image" };
  const container = { name: "proxy", image: "porthole", imageID: "", ready, restartCount: 0 };
  return {
    metadata: {
      name,
      namespace: NAMESPACE,
      uid,
      labels: LABELS,
      ...(deleted ? { deletionTimestamp: bornAt } : {}),
    },
    spec: { containers: [{ name: "proxy", image: "porthole" }] },
    status: {
      phase: ready ? "Running" : "Pending",
      conditions: [{ type: "Ready", status: ready ? "True" : "False" }],
      containerStatuses: [{ ...container, state: ready ? { running: { startedAt: bornAt } } : { waiting } }],
    },
  };
}

function ordinal({ name }: Pod): number {
  return Number(name.slice(name.lastIndexOf("-") + 1));
}

function conflict(): readonly [number, object] {
  return [409, { ...status(409), reason: "Conflict" }]; // [concurrency]
}

function status(code: number): object {
  const message =
    code === 403 ? 'statefulsets.apps "porthole-proxy" is forbidden' : `this is the answer ${code}`;
  return { apiVersion: "v1", kind: "Status", metadata: {}, status: "Failure", message, code };
}

function say(
  response: ServerResponse,
  code: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(code, { "content-type": "application/json", ...headers }).end(JSON.stringify(body));
}
