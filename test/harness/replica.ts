import { join } from "node:path";
import type { Secret } from "#base/secret.ts";
import { LOOPBACK } from "./free-port.ts";
import { NativeClient } from "./native-client.ts";
import { startRole } from "./porthole.ts";
import { firstLine, type Process } from "./process.ts";
import { scratch } from "./scratch.ts";

/** What the first replica of an empty database tells. */
export interface FirstKeys {
  readonly apiKey: string;
  readonly secretKey: string;
}

/** A control that shares its database with others. */
export interface Replica extends AsyncDisposable {
  readonly control: string;
  readonly link: string;
  /** Where its name server answers, if it was started with one. */
  readonly dns?: readonly string[];
  readonly process: Process;
  /** Of an empty database, and of this replica alone. */
  readonly firstKeys: FirstKeys | undefined;
  api(keys: FirstKeys): NativeClient;
}

export interface ReplicaOptions {
  readonly url: Secret;
  readonly keyFile: string;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** The process alone, for replicas that do not come so far as to be ready. */
export async function startReplicaProcess({
  url,
  keyFile,
  args = [],
  env,
}: ReplicaOptions): Promise<Process> {
  const any = `${LOOPBACK}:0`;
  return await startRole(
    "control",
    ["--key-file", keyFile, "--listen", any, "--link", any, "--upstream-allow", "127.0.0.0/8", ...args],
    { ...env, PORTHOLE_DATABASE: url.expose() },
  );
}

export async function startReplica(options: ReplicaOptions): Promise<Replica> {
  const child = await startReplicaProcess(options);
  const { control, link, dns, apiKey, secretKey } = JSON.parse(await firstLine(child));
  return {
    control,
    link,
    dns,
    process: child,
    firstKeys: apiKey === undefined ? undefined : { apiKey, secretKey },
    api: (keys) => new NativeClient(control, keys),
    [Symbol.asyncDispose]: async () => void (await child.stop()),
  };
}

/** Replicas of one empty database, the first of which has made it. */
export async function startReplicas(
  count: number,
  { url }: { readonly url: Secret },
): Promise<{ readonly replicas: readonly Replica[]; readonly keys: FirstKeys } & AsyncDisposable> {
  await using opened = new AsyncDisposableStack();
  const folder = opened.use(scratch());
  const keyFile = join(folder.path, "porthole.key");
  const replicas: Replica[] = [];
  for (let index = 0; index < count; index++) replicas.push(opened.use(await startReplica({ url, keyFile })));
  const keys = replicas[0]?.firstKeys;
  if (keys === undefined) throw new Error("the database was not empty");
  const all = opened.move();
  return { replicas, keys, [Symbol.asyncDispose]: async () => await all.disposeAsync() };
}
