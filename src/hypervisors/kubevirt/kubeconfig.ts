import { type Static, Type } from "typebox";
import { Compile } from "typebox/schema";
import { parse } from "yaml";
import { Secret } from "#base/secret.ts";
import { type Cluster, parseServer } from "./cluster.ts";

const text = Type.Optional(Type.String());
const Config = Type.Object({
  "current-context": text,
  contexts: Type.Array(
    Type.Object({
      name: Type.String(),
      context: Type.Object({ cluster: Type.String(), user: Type.String() }),
    }),
  ),
  clusters: Type.Array(
    Type.Object({ name: Type.String(), cluster: Type.Record(Type.String(), Type.Unknown()) }),
  ),
  users: Type.Array(Type.Object({ name: Type.String(), user: Type.Record(Type.String(), Type.Unknown()) })),
});
const CONFIG = Compile(Config);

const CLUSTER_KEYS = ["server", "certificate-authority-data", "extensions", "disable-compression"];
const USER_KEYS = ["token", "client-certificate-data", "client-key-data", "extensions"];
/** What is refused, and what to do about it. */
const HINTS: Readonly<Record<string, string>> = {
  "insecure-skip-tls-verify": "nobody would know then who is there",
  "certificate-authority": "files are not read: kubectl config view --raw --flatten puts them into it",
  "client-certificate": "files are not read: kubectl config view --raw --flatten puts them into it",
  "client-key": "files are not read: kubectl config view --raw --flatten puts them into it",
  tokenFile: "files are not read: give the token itself",
  exec: "programs are not run: give a service account's token",
  "auth-provider": "providers are not asked: give a service account's token",
};

/**
 * What a kubeconfig says of one of its contexts, or of the one that is current (Kubernetes, client-go, tools/clientcmd/api/v1). What it holds
 * beside that is not passed over: who reads there that nobody is verified would be wrong. Throws an Error that says what is wrong with it.
 */
export function readKubeconfig(yaml: string, contextName?: string): Cluster {
  const config = read(yaml);
  const wanted = contextName ?? config["current-context"] ?? "";
  const context = config.contexts.find(({ name }) => name === wanted)?.context;
  if (context === undefined) throw new Error(`the kubeconfig has no context “${wanted}”`);
  const cluster = config.clusters.find(({ name }) => name === context.cluster)?.cluster;
  const user = config.users.find(({ name }) => name === context.user)?.user;
  if (cluster === undefined || user === undefined)
    throw new Error(`the kubeconfig has no cluster or user for its context “${wanted}”`);
  refuseOthers(cluster, CLUSTER_KEYS);
  refuseOthers(user, USER_KEYS);
  const token = stringOf(user, "token");
  const clientCertificate = pemOf(user, "client-certificate-data");
  const key = pemOf(user, "client-key-data");
  if (token === undefined && (clientCertificate === undefined || key === undefined))
    throw new Error("the kubeconfig's user has neither a token nor a client certificate with its key");
  return {
    ...parseServer(stringOf(cluster, "server") ?? ""),
    trust: {
      caCertificate: pemOf(cluster, "certificate-authority-data"),
      clientCertificate,
      clientKey: key === undefined ? undefined : new Secret(key),
    },
    token: token === undefined ? undefined : new Secret(token),
  };
}

function read(yaml: string): Static<typeof Config> {
  let value: unknown;
  try {
    // What a name stands for more than once is no part of a kubeconfig, and grows without end.
    value = parse(yaml, { maxAliasCount: 0, logLevel: "error" });
  } catch {
    // Its own words show a piece of the text, in which there are keys.
    throw new Error("the kubeconfig is no YAML");
  }
  if (!CONFIG.Check(value))
    throw new Error("the secret is no kubeconfig: contexts, clusters and users are missing");
  return value;
}

function refuseOthers(fields: Readonly<Record<string, unknown>>, known: readonly string[]): void {
  const other = Object.keys(fields).find((key) => !known.includes(key));
  if (other !== undefined)
    throw new Error(`the kubeconfig's ${other} is not taken: ${HINTS[other] ?? "it is not known here"}`);
}

function stringOf(fields: Readonly<Record<string, unknown>>, key: string): string | undefined {
  const value = fields[key];
  if (value === undefined || typeof value === "string") return value;
  throw new Error(`the kubeconfig's ${key} is no text`);
}

function pemOf(fields: Readonly<Record<string, unknown>>, key: string): string | undefined {
  const base64 = stringOf(fields, key);
  return base64 === undefined ? undefined : Buffer.from(base64, "base64").toString("utf8");
}
