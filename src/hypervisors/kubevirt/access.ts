import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Secret } from "#base/secret.ts";
import { HypervisorError } from "../hypervisor-error.ts";
import { readTrust } from "../trust.ts";
import { type Cluster, parseServer } from "./cluster.ts";
import { readKubeconfig } from "./kubeconfig.ts";

export interface KubeVirtAccess {
  /** Asked before each question: what pods are given is replaced while they run. Throws a HypervisorError. */
  cluster(): Promise<Cluster>;
  /** Machines of this one alone; absent: of all. */
  readonly namespace: string | undefined;
  /** Who looks at a machine already, past Porthole, stays, and whoever comes is refused. */
  readonly preservesSession: boolean;
  readonly isReadOnly: boolean;
}

/** What pods are given of their service account, and where they find the API ("Accessing the Kubernetes API from a Pod"). */
const POD = {
  folder: "/var/run/secrets/kubernetes.io/serviceaccount",
  server: "https://kubernetes.default.svc",
};

const NAMESPACE = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

interface Given {
  readonly secret: Secret | undefined;
  readonly caCertificate?: string | undefined;
  readonly pin?: string | undefined;
  readonly isReadOnly: boolean;
}

/** `in-cluster`, `kubeconfig[:CONTEXT]` or https://HOST[:PORT], and ?namespace=…&preserveSession=false. Throws an Error that says what is wrong with it. */
export function kubeVirtAccess(address: string, given: Given, pod = POD): KubeVirtAccess {
  const [place = "", query = ""] = address.split(/\?(.*)/s);
  return { cluster: clusterOf(place, given, pod), ...readOptions(query), isReadOnly: given.isReadOnly };
}

function clusterOf(place: string, given: Given, pod: typeof POD): () => Promise<Cluster> {
  const { secret, caCertificate, pin } = given;
  if (place === "in-cluster") {
    if (secret !== undefined || caCertificate !== undefined || pin !== undefined)
      throw new Error("in-cluster is opened by what the pod itself has, and by nothing else");
    return async () => await ofPod(pod);
  }
  const context = /^kubeconfig(?::(?<context>.+))?$/s.exec(place);
  if (secret === undefined)
    throw new Error(context === null ? "the token is missing" : "the secret has to be the kubeconfig");
  if (context === null) {
    const token = requireToken(secret);
    const cluster = { ...parseServer(place), trust: readTrust({ caCertificate, pin }), token };
    return async () => cluster;
  }
  if (caCertificate !== undefined || pin !== undefined)
    throw new Error("the kubeconfig says by which authority the API is known");
  const cluster = readKubeconfig(secret.expose(), context.groups?.["context"]);
  if (cluster.token !== undefined) requireToken(cluster.token);
  return async () => cluster;
}

function readOptions(query: string): Pick<KubeVirtAccess, "namespace" | "preservesSession"> {
  const options = new URLSearchParams(query);
  for (const name of options.keys()) {
    if (name !== "namespace" && name !== "preserveSession")
      throw new Error(`the option ${name} is not known`);
    if (options.getAll(name).length > 1) throw new Error(`the option ${name} stands there twice`);
  }
  const namespace = options.get("namespace") ?? undefined;
  if (namespace !== undefined && !NAMESPACE.test(namespace)) throw new Error(`${namespace} is no namespace`);
  const preserve = options.get("preserveSession") ?? "true";
  if (preserve !== "true" && preserve !== "false") throw new Error("preserveSession is true or false");
  return { namespace, preservesSession: preserve === "true" };
}

async function ofPod({ folder, server }: typeof POD): Promise<Cluster> {
  try {
    const [token, caCertificate] = await Promise.all(
      ["token", "ca.crt"].map(async (name) => await readFile(join(folder, name), "utf8")),
    );
    return {
      ...parseServer(server),
      trust: { caCertificate },
      token: requireToken(new Secret((token ?? "").trim())),
    };
  } catch (cause) {
    throw new HypervisorError(
      "credentials",
      `control runs in no pod with a service account: ${cause instanceof Error ? cause.message : cause}`,
      { cause },
    );
  }
}

/** It stands in a header. */
function requireToken(token: Secret): Secret {
  if (!/^[A-Za-z0-9._~+/=-]+$/.test(token.expose())) throw new Error("the token is none of Kubernetes'");
  return token;
}
