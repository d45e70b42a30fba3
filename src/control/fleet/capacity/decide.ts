export const capacityLimits = {
  /** From some that were emptied to the next, of the while before the first: what a lull lets go, it lets go bit by bit. */
  between: 0.1,
  /** Of a node's places, what must be spare beside it: what one scan gives back, the next does not want again. */
  margin: 0.25,
  /** Of the nodes that take sessions, how many are emptied at a time; one in any case. */
  emptiedAtOnce: 0.1,
  /** After a launch that failed, doubled with each one that follows. */
  firstBackoffMs: 30_000,
  longestBackoffMs: 30 * 60_000,
} as const;

/** What `consoleproxy.*` says. */
export interface CapacitySettings {
  readonly standby: number;
  readonly sessionMax: number;
  readonly launchMax: number;
  /** How long a whole node must have been spare before one is emptied. */
  readonly shrinkAfterMs: number;
  /** Whether anything is decided at all: `consoleproxy.management.state` is Auto. */
  readonly isAuto: boolean;
}

/** A node of the pool that runs and has been heard of. */
export interface CapacityNode {
  readonly id: string;
  /** Sessions by control's own count, those whose ticket nobody has used yet included. */
  readonly sessions: number;
  /** What it says it takes at most. It can make itself smaller by that, never greater. */
  readonly maximumSessions: number | null;
  readonly isDraining: boolean;
  /** Whether control is emptying it, to take it away: that can be taken back. */
  readonly isLeaving: boolean;
  /** Whether control launched it, and could take it away now. */
  readonly isRemovable: boolean;
  readonly createdAt: number;
}

/** One pool, as a scan sees it. */
export interface PoolView {
  readonly nodes: readonly CapacityNode[];
  /** Nodes on their way: launched, or to be started again. */
  readonly coming: number;
  /** All that is there, up or not, whoever launched it, and all that is on its way: what `launch.max` bounds. */
  readonly existing: number;
  /** Launches of the last hour, whatever became of them. */
  readonly launchedLately: number;
  /** Attempts to launch that failed since a node last joined, and when the last one did. */
  readonly failures: number;
  readonly failedAt: number | null;
}

/** What one scan leaves to the next, per pool. A new leader begins without it, and only waits the longer. */
export interface CapacityMemory {
  /** Since when a whole node has been spare. */
  readonly spareSince: number | null;
}

export interface CapacityDecision {
  readonly launch: number;
  /** Nodes that are being emptied and are wanted after all. */
  readonly recall: readonly string[];
  /** Nodes to be emptied and taken away. */
  readonly leave: readonly string[];
  /** Of the nodes that take sessions. */
  readonly places: number;
  readonly spare: number;
  readonly memory: CapacityMemory;
}

/**
 * What is to be done about a pool's room. Nothing that a node says of its load comes in here, only how many sessions
 * control gave it; and whatever happens, `existing` bounds how many nodes there are and `launchedLately` how often one is
 * launched.
 */
export function decide(
  view: PoolView,
  { settings, memory, now }: { settings: CapacitySettings; memory: CapacityMemory; now: number },
): CapacityDecision {
  const serving = view.nodes.filter(({ isDraining }) => !isDraining);
  const places = sum(serving.map((node) => placesOf(node, settings)));
  const spare = sum(serving.map((node) => freeOf(node, settings)));
  const found = { places, spare };
  const nothing = { ...found, launch: 0, recall: [], leave: [], memory: { spareSince: null } };
  if (!settings.isAuto) return nothing;
  const short = standbyOf(settings) - spare - view.coming * settings.sessionMax;
  if (short > 0) return { ...nothing, ...grow(view, short, { settings, now }) };
  if (view.coming > 0) return nothing;
  return { ...nothing, ...shrink(serving, spare, { settings, memory, now }) };
}

/** Launches in an hour, so that a pool whose nodes come and go like mad costs no more than this. */
export function hourlyLaunches({ launchMax }: Pick<CapacitySettings, "launchMax">): number {
  return 2 * launchMax;
}

export function backoffMs(failures: number): number {
  if (failures === 0) return 0;
  const { firstBackoffMs, longestBackoffMs } = capacityLimits;
  return Math.min(longestBackoffMs, firstBackoffMs * 2 ** Math.min(failures - 1, 20));
}

/** Those that are being emptied first, the emptiest last to be needed; then new ones. */
function grow(
  view: PoolView,
  short: number,
  { settings, now }: { readonly settings: CapacitySettings; readonly now: number },
): Pick<CapacityDecision, "launch" | "recall"> {
  const recall: string[] = [];
  let left = short;
  const leaving = view.nodes.filter(({ isLeaving }) => isLeaving);
  for (const node of leaving.toSorted((a, b) => freeOf(b, settings) - freeOf(a, settings))) {
    const free = freeOf(node, settings);
    if (left <= 0 || free === 0) break;
    recall.push(node.id);
    left -= free;
  }
  const wanted = Math.ceil(Math.max(0, left) / settings.sessionMax);
  const room = settings.launchMax - view.existing;
  const budget = hourlyLaunches(settings) - view.launchedLately;
  return { recall, launch: Math.max(0, Math.min(wanted, room, budget, attempts(view, now))) };
}

/** After a failure one is tried alone, when its time has come. */
function attempts({ failures, failedAt, coming }: PoolView, now: number): number {
  if (failures === 0) return Infinity;
  return coming === 0 && now >= (failedAt ?? 0) + backoffMs(failures) ? 1 : 0;
}

function shrink(
  serving: readonly CapacityNode[],
  spare: number,
  {
    settings,
    memory,
    now,
  }: { readonly settings: CapacitySettings; readonly memory: CapacityMemory; readonly now: number },
): Pick<CapacityDecision, "leave" | "memory"> {
  const spared = sparedNodes(serving, spare, settings);
  if (spared.length === 0) return { leave: [], memory: { spareSince: null } };
  const since = memory.spareSince ?? now;
  if (now - since < settings.shrinkAfterMs) return { leave: [], memory: { spareSince: since } };
  const next = now - settings.shrinkAfterMs * (1 - capacityLimits.between);
  return { leave: spared, memory: { spareSince: next } };
}

/** Without all the places of which there would still be enough, and some: the emptiest, of these the youngest. */
function sparedNodes(
  serving: readonly CapacityNode[],
  spare: number,
  settings: CapacitySettings,
): readonly string[] {
  let excess = spare - standbyOf(settings) - Math.ceil(capacityLimits.margin * settings.sessionMax);
  const most = Math.max(1, Math.floor(serving.length * capacityLimits.emptiedAtOnce));
  const spared: string[] = [];
  const candidates = serving
    .filter(({ isRemovable }) => isRemovable)
    .toSorted((a, b) => a.sessions - b.sessions || b.createdAt - a.createdAt);
  for (const node of candidates) {
    const places = placesOf(node, settings);
    if (spared.length === most || excess < places) break;
    spared.push(node.id);
    excess -= places;
  }
  return spared;
}

function placesOf({ maximumSessions }: CapacityNode, { sessionMax }: CapacitySettings): number {
  return Math.max(0, Math.min(sessionMax, maximumSessions ?? sessionMax));
}

function freeOf(node: CapacityNode, settings: CapacitySettings): number {
  return Math.max(0, placesOf(node, settings) - node.sessions);
}

/** With nothing on standby there is room for one who comes all the same, or nobody could ever begin. */
export function standbyOf({ standby }: CapacitySettings): number {
  return Math.max(1, standby);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
