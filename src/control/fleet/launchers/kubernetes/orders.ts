import { Type } from "typebox";
import { Compile } from "typebox/schema";
import { LaunchError } from "../launcher.ts";

const limits = {
  /** An order takes 150 bytes, and a config map holds a megabyte (Kubernetes: "ConfigMaps"). */
  orders: 2_000,
} as const;

/**
 * An order and the pod that it has. `leaving`: it was taken away, and its pod, known by its uid, is still on its way out; by
 * then another order may wait for a pod of the same name.
 */
export interface Entry {
  readonly order: string;
  readonly pool: string;
  readonly ordinal: number;
  readonly state: "wanted" | "stopped" | "leaving";
  readonly uid?: string;
}

const areEntries = Compile(
  Type.Array(
    Type.Object({
      order: Type.String({ minLength: 1, maxLength: 100 }),
      pool: Type.String({ minLength: 1, maxLength: 100 }),
      ordinal: Type.Integer({ minimum: 0 }),
      state: Type.Enum(["wanted", "stopped", "leaving"] as const),
      uid: Type.Optional(Type.String({ maxLength: 100 })),
    }),
    { maxItems: limits.orders },
  ),
);

/** As they stand in the config map. Throws a LaunchError where somebody else has written there. */
export function parseEntries(text: string | undefined): readonly Entry[] {
  if (text === undefined || text.trim() === "") return [];
  try {
    const parsed: unknown = JSON.parse(text);
    if (areEntries.Check(parsed)) return parsed;
  } catch {
    // Said below.
  }
  throw new LaunchError("what the config map holds is no list of orders; somebody has changed it");
}

/** Of an order that is there; one that is leaving is not. */
export function present(entries: readonly Entry[], order: string): Entry | undefined {
  return entries.find((entry) => entry.order === order && entry.state !== "leaving");
}

/** How many pods there have to be for what is wanted; `undefined` where nothing of it is the launcher's. */
export function replicasFor(entries: readonly Entry[]): number | undefined {
  if (entries.length === 0) return undefined;
  const wanted = entries.filter(({ state }) => state === "wanted").map(({ ordinal }) => ordinal + 1);
  return wanted.length > 0 ? Math.max(...wanted) : Math.min(...entries.map(({ ordinal }) => ordinal));
}

/** A StatefulSet makes its pods in order, so the next one comes behind all that there are. */
export function added(
  entries: readonly Entry[],
  { order, pool }: { readonly order: string; readonly pool: string },
  { replicas, maximum }: { readonly replicas: number; readonly maximum: number },
): readonly Entry[] {
  const stopped = entries.find(({ state }) => state === "stopped");
  if (stopped !== undefined)
    throw new LaunchError(
      `the pod with the number ${stopped.ordinal} is stopped, and a StatefulSet makes none behind one that it lacks`,
    );
  const ordinal = Math.max(replicas, replicasFor(entries) ?? 0);
  if (ordinal >= maximum || entries.length >= limits.orders)
    throw new LaunchError(`the StatefulSet has ${ordinal} replicas, and may have ${maximum}`);
  return [...entries, { order, pool, ordinal, state: "wanted" }];
}

/** Whether an order's pod is the last one, which alone can be taken away. */
export function isLast(entries: readonly Entry[], { ordinal, state }: Entry): boolean {
  const wanted = entries.filter((entry) => entry.state === "wanted");
  if (state === "wanted") return wanted.every((entry) => entry.ordinal <= ordinal);
  // One that does not run is in nobody's way, but a gap in the middle would never close.
  return entries.every((entry) => entry.state === "leaving" || entry.ordinal <= ordinal);
}

/** With an order in another state. */
export function changed(
  entries: readonly Entry[],
  { order }: Entry,
  change: Pick<Entry, "state" | "uid">,
): readonly Entry[] {
  return entries.map((entry) =>
    entry.order === order && entry.state !== "leaving" ? { ...entry, ...change } : entry,
  );
}

/** Without an order, and without those that are gone. */
export function without(entries: readonly Entry[], isGone: (entry: Entry) => boolean): readonly Entry[] {
  return entries.filter((entry) => !isGone(entry));
}
