import { type Static, Type } from "typebox";
import { Compile } from "typebox/schema";
import type { Instance } from "../launcher.ts";
import { type Entry, isLast } from "./orders.ts";

/** What is read of core/v1 Pod. */
const PodShape = Type.Object({
  metadata: Type.Object({
    name: Type.String(),
    uid: Type.Optional(Type.String()),
    deletionTimestamp: Type.Optional(Type.String()),
  }),
  status: Type.Optional(
    Type.Object({
      conditions: Type.Optional(
        Type.Array(
          Type.Object({
            type: Type.String(),
            status: Type.String(),
            reason: Type.Optional(Type.String()),
            message: Type.Optional(Type.String()),
          }),
        ),
      ),
      containerStatuses: Type.Optional(
        Type.Array(
          Type.Object({
            state: Type.Optional(
              Type.Object({
                waiting: Type.Optional(
                  Type.Object({
                    reason: Type.Optional(Type.String()),
                    message: Type.Optional(Type.String()),
                  }),
                ),
              }),
            ),
          }),
        ),
      ),
    }),
  ),
});

export type Pod = Static<typeof PodShape>;

export const isPodList = Compile(Type.Object({ items: Type.Array(PodShape) }));

/** What the API says of the StatefulSet, all of it read for one decision. */
export interface World {
  readonly namespace: string;
  readonly statefulSet: string;
  /** As it is asked for, not as it is. */
  readonly replicas: number;
  readonly pods: readonly Pod[];
}

/** The pod of an order, as far as it is there: of two orders with one name the uid tells which is whose. */
export function podOf(world: World, entries: readonly Entry[], entry: Entry): Pod | undefined {
  const name = podName(world, entry);
  const pod = world.pods.find(({ metadata }) => metadata.name === name);
  if (pod === undefined) return undefined;
  const others = entries
    .filter(({ ordinal }) => ordinal === entry.ordinal)
    .filter((other) => other !== entry);
  const owner = others.find(({ uid }) => uid !== undefined && uid === pod.metadata.uid);
  if (owner !== undefined) return undefined;
  return entry.uid === undefined || entry.uid === pod.metadata.uid ? pod : undefined;
}

/** Whether what was taken away has gone, so that nobody needs to know of it any more. */
export function isGone(world: World, entries: readonly Entry[], entry: Entry): boolean {
  if (entry.state !== "leaving" || podOf(world, entries, entry) !== undefined) return false;
  const hasSuccessor = entries.some(({ ordinal, state }) => ordinal === entry.ordinal && state === "wanted");
  return hasSuccessor || world.replicas <= entry.ordinal;
}

export function toInstance(world: World, entries: readonly Entry[], entry: Entry): Instance {
  const pod = podOf(world, entries, entry);
  const problem = entry.state === "wanted" && pod !== undefined ? problemOf(pod) : undefined;
  return {
    orderId: entry.order,
    pool: entry.pool,
    joinsAs: `${world.namespace}/${podName(world, entry)}`,
    state: stateOf(entry, pod),
    ...(entry.state === "leaving" || isLast(entries, entry) ? {} : { isRemovable: false }),
    ...(problem === undefined ? {} : { problem }),
  };
}

function stateOf({ state }: Entry, pod: Pod | undefined): Instance["state"] {
  // What is to stop runs as long as its drain takes.
  if (state !== "wanted") return pod === undefined ? "stopped" : "running";
  if (pod === undefined || pod.metadata.deletionTimestamp !== undefined) return "starting";
  const ready = pod.status?.conditions?.find(({ type }) => type === "Ready");
  return ready?.status === "True" ? "running" : "starting";
}

/** Why it does not come to run: no image, no room, or an end again and again. */
function problemOf({ status }: Pod): string | undefined {
  const waiting = status?.containerStatuses
    ?.map(({ state }) => state?.waiting)
    .find((each) => each !== undefined);
  const unscheduled = status?.conditions?.find(
    ({ type, status: is }) => type === "PodScheduled" && is === "False",
  );
  const told = [waiting ?? unscheduled].flatMap((each) => [each?.reason, each?.message]);
  const words = told.filter((each) => each !== undefined).join(": ");
  return words === "" ? undefined : words.replace(/[^\x20-\x7e]/g, " ").slice(0, 500);
}

function podName({ statefulSet }: World, { ordinal }: Entry): string {
  return `${statefulSet}-${ordinal}`;
}
