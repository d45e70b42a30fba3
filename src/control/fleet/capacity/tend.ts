import type { Instance } from "../launchers/launcher.ts";
import type { LaunchState } from "./launch-states.ts";

export const tendLimits = {
  /** From the order until its node has to have joined; an image may have to be copied, and a machine to boot. */
  joinMs: 15 * 60_000,
  /** How long a platform may take to list what it has launched. */
  settleMs: 60_000,
  /** How many lists in a row have to lack an instance until it is taken to be away: one may be of a bad moment. */
  unlisted: 3,
  /** How often a node is started again that ends by itself, until it is given up; the count begins anew once it is up. */
  starts: 5,
  /** Before the second time; doubled with each that follows. */
  firstStartMs: 10_000,
  /** How long a node must have been up since it was started again for that to have gone well. */
  steadyMs: 10 * 60_000,
  /** How long a node may claim sessions that control does not know before it is not believed. */
  disbeliefMs: 10 * 60_000,
} as const;

/** An order of this launcher's scope, with what the launcher and the node's row say of it. */
export interface Tended {
  readonly state: LaunchState;
  readonly orderedAt: number;
  readonly launchedAt: number | null;
  readonly joinedAt: number | null;
  readonly startedAt: number | null;
  readonly starts: number;
  /** The drain by which control has it emptied; null where an older version has begun that. */
  readonly drainRevision: number | null;
  /** As the launcher listed it, before all else was read. */
  readonly instance: Pick<Instance, "state" | "problem" | "isRemovable"> | undefined;
  readonly listedAt: number;
  /** How many lists in a row, this one included, have not had it. */
  readonly unlisted: number;
  /** The row of its node, where it has one: one that was revoked counts as none. */
  readonly node: TendedNode | undefined;
}

export interface TendedNode {
  readonly isUp: boolean;
  /** Whether it has registered, and not said that it stops. */
  readonly isRegistered: boolean;
  readonly seenAt: number;
  readonly drainingAt: number | null;
  /** Another one whenever somebody has it drained, or takes that back. */
  readonly drainRevision: number;
  /** By control's count, and by its own word. */
  readonly sessions: number;
  readonly saidSessions: number;
}

export type Tending =
  | { readonly kind: "nothing" }
  /** The launcher is asked to launch it (again). */
  | { readonly kind: "launch" }
  | { readonly kind: "noteLaunched" }
  | { readonly kind: "start" }
  | { readonly kind: "noteSteady" }
  /** It is not being emptied any more. */
  | { readonly kind: "stay" }
  /** What is left of it is to be destroyed. `failure`: where that is not as it should be. */
  | { readonly kind: "remove"; readonly failure: string | null }
  | { readonly kind: "destroy" }
  /** Nothing is left of it. */
  | { readonly kind: "close"; readonly failure: string | null };

const NOTHING = { kind: "nothing" } as const;

/**
 * What is to be done about one order. What its platform does not take away while others stay, as a pod in the middle of a
 * StatefulSet, is not given up, whatever becomes of it: the platform starts it again, control starts it again, and it counts
 * for nothing until it is up. Where it is the last, it is judged like any other.
 */
export function tend(order: Tended, at: { readonly now: number; readonly lostMs: number }): Tending {
  const tending = tendRemovable(order, at);
  const isTaking = tending.kind === "remove" || tending.kind === "destroy";
  return isTaking && order.instance?.isRemovable === false ? NOTHING : tending;
}

/**
 * What is to be done about an order whose launcher is configured no more, so that nobody can be asked about it. It is given
 * up when its node is not there, or when its node's sessions are, and counts until then.
 */
export function tendAbandoned(
  order: Pick<Tended, "state" | "orderedAt" | "node" | "drainRevision">,
  { now, lostMs }: { readonly now: number; readonly lostMs: number },
): Tending {
  const { state, orderedAt, node } = order;
  if (node === undefined) {
    const mayJoin = (state === "ordered" || state === "launched") && now - orderedAt <= tendLimits.joinMs;
    return mayJoin ? NOTHING : { kind: "close", failure: null };
  }
  if (node.isUp || now - node.seenAt <= lostMs) return NOTHING;
  const isOurs = node.drainingAt !== null && isOwnDrain(order.drainRevision, node);
  if (state === "leaving" && !isOurs) return { kind: "stay" };
  return { kind: "close", failure: state === "joined" ? "its launcher is configured no more" : null };
}

/**
 * A node that may have viewers is not destroyed: one that is emptied when it is empty,
 * one that runs and is silent when its sessions are given up (`lostMs`) as for any node.
 */
function tendRemovable(
  order: Tended,
  { now, lostMs }: { readonly now: number; readonly lostMs: number },
): Tending {
  switch (order.state) {
    case "ordered":
      return ordered(order, now);
    case "launched":
      return launched(order, now);
    case "joined":
      return joined(order, { now, lostMs });
    case "leaving":
      return leaving(order, { now, lostMs });
    case "removing":
      return removing(order, { now, lostMs });
    case "gone":
      return NOTHING;
    default:
      return order.state satisfies never;
  }
}

function ordered({ instance, orderedAt }: Tended, now: number): Tending {
  if (instance !== undefined) return { kind: "noteLaunched" };
  if (now - orderedAt > tendLimits.joinMs) return remove("it was not launched in time");
  return { kind: "launch" };
}

function launched(order: Tended, now: number): Tending {
  const { instance, orderedAt } = order;
  if (isAway(order)) return { kind: "close", failure: "it went away before its node joined" };
  if (instance?.state === "stopped") return remove(`its node ended before it joined${said(instance)}`);
  if (now - orderedAt > tendLimits.joinMs) return remove("its node did not join in time");
  return NOTHING;
}

function joined(order: Tended, { now, lostMs }: { now: number; lostMs: number }): Tending {
  const { instance, node, starts, startedAt } = order;
  // An operator removed it, or refuses it from now on.
  if (node === undefined) return remove(null);
  if (node.isUp) {
    const isSteady = starts > 0 && now - (startedAt ?? 0) > tendLimits.steadyMs;
    return isSteady ? { kind: "noteSteady" } : NOTHING;
  }
  if (instance === undefined)
    return isAway(order) ? { kind: "close", failure: "its instance went away" } : NOTHING;
  if (instance.state === "stopped") return startOrGiveUp(order, instance, now);
  const since = Math.max(order.joinedAt ?? 0, startedAt ?? 0, node.seenAt);
  if (!node.isRegistered && now - since > tendLimits.joinMs) return remove("its node does not come up");
  return now - since > lostMs ? remove("its node was not heard of any more") : NOTHING;
}

function startOrGiveUp(
  { starts, startedAt, node }: Tended,
  instance: NonNullable<Tended["instance"]>,
  now: number,
): Tending {
  // One that an operator has taken out of service has ended because it was to.
  if (node?.drainingAt != null) return NOTHING;
  const isGivenUp = starts >= tendLimits.starts && instance.isRemovable !== false;
  if (isGivenUp) return remove(`its node ends again and again${said(instance)}`);
  const wait = starts === 0 ? 0 : tendLimits.firstStartMs * 2 ** (Math.min(starts, tendLimits.starts) - 1);
  return now >= (startedAt ?? 0) + wait ? { kind: "start" } : NOTHING;
}

function leaving(order: Tended, { now, lostMs }: { now: number; lostMs: number }): Tending {
  const { node, drainRevision } = order;
  if (node === undefined) return remove(null);
  if (node.drainingAt === null || !isOwnDrain(drainRevision, node)) return { kind: "stay" };
  const mayGo = node.isUp ? isEmpty(node, now) : hasEnded(order, node, { now, lostMs });
  return mayGo ? remove(null) : NOTHING;
}

/** It is empty mostly; not where its node joined by itself when it had been given up. */
function removing(order: Tended, { now, lostMs }: { now: number; lostMs: number }): Tending {
  const { instance, node } = order;
  const mayGo =
    node === undefined ||
    (node.isUp ? isEmpty(node, now) : node.sessions === 0 || hasEnded(order, node, { now, lostMs }));
  if (!mayGo) return NOTHING;
  if (instance !== undefined) return { kind: "destroy" };
  return isUnlisted(order) ? { kind: "close", failure: null } : NOTHING;
}

function hasEnded(
  order: Tended,
  { isRegistered, seenAt }: TendedNode,
  { now, lostMs }: { now: number; lostMs: number },
): boolean {
  return isAway(order) || order.instance?.state === "stopped" || !isRegistered || now - seenAt > lostMs;
}

/**
 * What only the node knows, it has said since it was drained. What was assigned to it as it was drained is looked for when it
 * is taken away (ordered-node.ts).
 */
function isEmpty({ sessions, saidSessions, seenAt, drainingAt }: TendedNode, now: number): boolean {
  if (sessions > 0) return false;
  const since = drainingAt ?? 0;
  return saidSessions === 0 ? seenAt > since : now - since > tendLimits.disbeliefMs;
}

/** Or an operator has taken that back, or drains it for reasons of his own from now on. */
function isOwnDrain(drainRevision: number | null, node: TendedNode): boolean {
  return drainRevision === null || drainRevision === node.drainRevision;
}

/** Whether a launcher that does not list it can be taken at its word. */
function isAway(order: Tended): boolean {
  const { launchedAt, listedAt } = order;
  return isUnlisted(order) && launchedAt !== null && listedAt - launchedAt > tendLimits.settleMs;
}

function isUnlisted({ instance, unlisted }: Tended): boolean {
  return instance === undefined && unlisted >= tendLimits.unlisted;
}

function remove(failure: string | null): Tending {
  return { kind: "remove", failure };
}

function said({ problem }: { readonly problem?: string }): string {
  return problem === undefined ? "" : `: ${problem}`;
}
