import { GatewayError } from "#wire/gateway-error.ts";
import type { KnownMachine } from "../driver.ts";
import { HypervisorError } from "../hypervisor-error.ts";
import { ADDRESS, type Answer } from "./answers.ts";
import { type KubernetesClient, Refused } from "./client.ts";
import { addressOf, type Found, ownAddress, toKnown } from "./machine.ts";

const limits = {
  /** Objects of one page. */
  page: 500,
  /** More of them than control takes of machines. */
  pages: 50,
  /** How often a list is begun anew whose next page is not kept any more. */
  restarts: 2,
} as const;

const KINDS = { machines: "virtualmachines", instances: "virtualmachineinstances" } as const;
export type Kind = keyof typeof KINDS;

export interface MachineName {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/** NAMESPACE/NAME/UID. Throws an Error that says what is wrong with it. */
export function parseMachineAddress(text: string): MachineName {
  const { namespace, name, uid } = ADDRESS.exec(text)?.groups ?? {};
  if (namespace === undefined || name === undefined || uid === undefined)
    throw new Error("not the namespace, name and UID of a machine of KubeVirt's");
  return { namespace, name, uid };
}

export function pathOf(kind: Kind, namespace: string | undefined, name?: string): string {
  const within = namespace === undefined ? "" : `/namespaces/${namespace}`;
  return `/apis/kubevirt.io/v1${within}/${KINDS[kind]}${name === undefined ? "" : `/${name}`}`;
}

/** Of a sub-resource, which virt-api itself answers. */
export function subresourcePath(kind: Kind, { namespace, name }: MachineName, what: string): string {
  return `/apis/subresources.kubevirt.io/v1/namespaces/${namespace}/${KINDS[kind]}/${name}/${what}`;
}

/** All objects of a kind, page by page, and the version as of which they are that. */
export async function listObjects<What extends Kind>(
  client: KubernetesClient,
  kind: What,
  { namespace, signal }: { readonly namespace: string | undefined; readonly signal: AbortSignal },
): Promise<{ readonly version: string; readonly items: Answer<What>["items"] }> {
  for (let restarts = 0; ; restarts += 1) {
    try {
      return await listOnce(client, kind, { namespace, signal });
    } catch (error) {
      const isTooOld = error instanceof Refused && error.status === 410;
      if (!isTooOld || restarts === limits.restarts) throw error;
    }
  }
}

async function listOnce<What extends Kind>(
  client: KubernetesClient,
  kind: What,
  { namespace, signal }: { readonly namespace: string | undefined; readonly signal: AbortSignal },
): Promise<{ readonly version: string; readonly items: Answer<What>["items"] }> {
  const items: Answer<Kind>["items"] = [];
  let next: string | undefined;
  for (let page = 0; page < limits.pages; page += 1) {
    const query = new URLSearchParams({
      limit: String(limits.page),
      ...(next === undefined ? {} : { continue: next }),
    });
    const answer = await client.ask(kind, { path: `${pathOf(kind, namespace)}?${query}`, signal });
    items.push(...(answer.items as typeof items));
    next = answer.metadata.continue;
    if (next === undefined || next === "")
      return { version: answer.metadata.resourceVersion, items: items as Answer<What>["items"] };
  }
  throw new HypervisorError("answer", `it has more than ${limits.page * limits.pages} ${KINDS[kind]}`);
}

/** All machines, by their own objects and by those of their instances. */
export async function listMachines(
  client: KubernetesClient,
  namespace: string | undefined,
  signal: AbortSignal,
): Promise<readonly KnownMachine[]> {
  const [machines, instances] = await Promise.all([
    listObjects(client, "machines", { namespace, signal }),
    listObjects(client, "instances", { namespace, signal }),
  ]);
  const found = new Map<string, Found>();
  for (const instance of instances.items) {
    const isOwned = addressOf(instance) !== ownAddress(instance);
    // What belongs to a machine that is deleted just now goes with it.
    if (!isOwned) found.set(addressOf(instance), { machine: undefined, instance });
  }
  const byMachine = new Map(instances.items.map((instance) => [addressOf(instance), instance]));
  for (const machine of machines.items) {
    const address = ownAddress(machine);
    found.set(address, { machine, instance: byMachine.get(address) });
  }
  return [...found.values()].map(toKnown).filter((known) => known !== undefined);
}

/** The one that has this address, and not one that has its name by now. Throws `machine_gone`. */
export async function requireMachine(
  client: KubernetesClient,
  address: string,
  signal: AbortSignal,
): Promise<Found> {
  const { namespace, name, uid } = parseMachineAddress(address);
  const [machine, instance] = await Promise.all([
    client.find("machine", { path: pathOf("machines", namespace, name), signal }),
    client.find("instance", { path: pathOf("instances", namespace, name), signal }),
  ]);
  const own = instance !== undefined && addressOf(instance) === address ? instance : undefined;
  if (machine?.metadata.uid === uid) return { machine, instance: own };
  if (own?.metadata.uid === uid) return { machine: undefined, instance: own };
  throw new GatewayError("machine_gone");
}
