import { setTimeout as delay } from "node:timers/promises";
import { Type } from "typebox";
import { Compile } from "typebox/schema";
import type { KubernetesAccess } from "../../kubernetes-call.ts";
import { LaunchError, type Launcher } from "../launcher.ts";
import { CONFLICT, createApi, NOT_FOUND } from "./api.ts";
import { added, changed, type Entry, isLast, parseEntries, present, replicasFor, without } from "./orders.ts";
import { isGone, isPodList, podOf, toInstance, type World } from "./pods.ts";

const limits = {
  /** Of changes that others were quicker with: every one of them has changed something. */
  conflicts: 20,
} as const;

const pauses = { conflictMs: 50 } as const;

/** In the config map: what was ordered, as JSON. */
const KEY = "orders";

export interface KubernetesLauncherOptions extends KubernetesAccess {
  readonly namespace: string;
  readonly statefulSet: string;
  /** The one pool that its pods belong to. */
  readonly pool: string;
  /** Of replicas, whatever is ordered: the setting consoleproxy.launch.max, read each time. */
  readonly maximum: () => number;
}

const isScale = Compile(
  Type.Object({
    metadata: Type.Object({ resourceVersion: Type.String() }),
    spec: Type.Optional(Type.Object({ replicas: Type.Optional(Type.Integer({ minimum: 0 })) })),
    status: Type.Optional(Type.Object({ selector: Type.Optional(Type.String()) })),
  }),
);

const isConfigMap = Compile(
  Type.Object({
    metadata: Type.Object({ resourceVersion: Type.String() }),
    data: Type.Optional(Type.Record(Type.String(), Type.String())),
  }),
);

/** What was read for one decision. Whoever changes one of the objects meanwhile makes the write to it a conflict. */
interface Reading {
  readonly world: World;
  readonly entries: readonly Entry[];
  readonly scale: { readonly metadata: { readonly resourceVersion: string } };
  readonly configMap: { readonly data?: Record<string, string> };
}

/**
 * Launches by scaling a StatefulSet. What was ordered, and which pod each order has, stands in a config map beside it; how
 * many pods there are to be follows from that.
 *
 * INVARIANT: the config map is written before the scale, and the scale is only ever set to what the config map says that
 * was read behind it. So whoever dies in between leaves something that the next change puts right, and of two that change
 * at once the second sees what the first has done.
 */
export function createKubernetesLauncher(options: KubernetesLauncherOptions): Launcher {
  const { namespace, statefulSet, pool: ownPool, maximum, api: origin } = options;
  const api = createApi(options);
  const objects = `/namespaces/${encodeURIComponent(namespace)}`;
  const scalePath = `/apis/apps/v1${objects}/statefulsets/${encodeURIComponent(statefulSet)}/scale`;
  const configMapPath = `/api/v1${objects}/configmaps/${encodeURIComponent(`${statefulSet}-orders`)}`;

  const get = async (path: string, what: string, signal: AbortSignal): Promise<unknown> => {
    const { status, body } = await api({ method: "GET", path }, signal, [NOT_FOUND]);
    if (status === NOT_FOUND) throw new LaunchError(`there is no ${what} in the namespace ${namespace}`);
    return body;
  };

  const read = async (signal: AbortSignal): Promise<Reading> => {
    const scale = await get(scalePath, `StatefulSet ${statefulSet}`, signal);
    if (!isScale.Check(scale)) throw new LaunchError("what answers for the StatefulSet is no Scale");
    const configMap = await get(configMapPath, `config map ${statefulSet}-orders`, signal);
    if (!isConfigMap.Check(configMap)) throw new LaunchError("what answers for the config map is none");
    const selector = encodeURIComponent(scale.status?.selector ?? "");
    const pods = await get(`/api/v1${objects}/pods?labelSelector=${selector}`, "pod", signal);
    if (!isPodList.Check(pods)) throw new LaunchError("what answers for the pods is no list of them");
    const replicas = scale.spec?.replicas ?? 0;
    const world = { namespace, statefulSet, replicas, pods: pods.items };
    return { world, entries: parseEntries(configMap.data?.[KEY]), scale, configMap };
  };

  /** Resolves to whether it was written; not where somebody else was quicker. */
  const put = async (path: string, body: unknown, signal: AbortSignal): Promise<boolean> =>
    (await api({ method: "PUT", path, body }, signal, [CONFLICT])).status !== CONFLICT;

  const tryChange = async (
    change: (entries: readonly Entry[], world: World) => readonly Entry[],
    signal: AbortSignal,
  ): Promise<boolean> => {
    const { world, entries, scale, configMap } = await read(signal);
    const next = change(
      without(entries, (entry) => isGone(world, entries, entry)),
      world,
    );
    const text = JSON.stringify(next);
    if (text !== JSON.stringify(entries)) {
      const data = { ...configMap.data, [KEY]: text };
      if (!(await put(configMapPath, { ...configMap, data }, signal))) return false;
    }
    const replicas = replicasFor(next) ?? world.replicas;
    if (replicas === world.replicas) return true;
    return await put(scalePath, { ...scale, spec: { replicas } }, signal);
  };

  /** `change` may be asked several times, each time with what is there by then. */
  const update: typeof tryChange = async (change, signal) => {
    for (let attempt = 1; attempt <= limits.conflicts; attempt++) {
      if (await tryChange(change, signal)) return true;
      await delay(pauses.conflictMs * Math.random() * attempt, undefined, { signal }).catch(() => {});
    }
    throw new LaunchError(`the StatefulSet ${statefulSet} was changed by others all the time`);
  };

  return {
    kind: "kubernetes",
    scope: `kubernetes ${namespace}/${statefulSet} at ${origin}`,

    async launch({ id: order, pool }, signal) {
      if (pool !== ownPool)
        throw new LaunchError(`pods of ${namespace}/${statefulSet} are of the pool ${ownPool}, not ${pool}`);
      await update((entries, { replicas }) => {
        if (present(entries, order) !== undefined) return entries;
        return added(entries, { order, pool }, { replicas, maximum: maximum() });
      }, signal);
    },

    async list(signal) {
      const { world, entries } = await read(signal);
      return entries
        .filter((entry) => !isGone(world, entries, entry))
        .map((entry) => toInstance(world, entries, entry));
    },

    async stop(order, signal) {
      await update((entries) => {
        const entry = present(entries, order);
        if (entry === undefined || entry.state === "stopped") return entries;
        if (!isLast(entries, entry)) throw lastOnly(entry);
        return changed(entries, entry, { state: "stopped" });
      }, signal);
    },

    async start(order, signal) {
      await update((entries) => {
        const entry = present(entries, order);
        if (entry === undefined) throw new LaunchError(`there is no pod for the order ${order}`);
        if (entry.state === "wanted") return entries;
        const earlier = entries.find((other) => other.state === "stopped" && other.ordinal < entry.ordinal);
        if (earlier !== undefined)
          throw new LaunchError(
            `a StatefulSet starts its pods in order, and the one with the number ${earlier.ordinal} is stopped too`,
          );
        return changed(entries, entry, { state: "wanted" });
      }, signal);
    },

    async destroy(order, signal) {
      await update((entries, world) => {
        const entry = present(entries, order);
        if (entry === undefined) return entries;
        if (!isLast(entries, entry)) throw lastOnly(entry);
        const uid = podOf(world, entries, entry)?.metadata.uid;
        return changed(entries, entry, { state: "leaving", ...(uid === undefined ? {} : { uid }) });
      }, signal);
    },

    async close() {},
  };

  function lastOnly({ ordinal }: Entry): LaunchError {
    return new LaunchError(
      `a StatefulSet gives up its last pod only, and ${statefulSet}-${ordinal} has others behind it`,
    );
  }
}
