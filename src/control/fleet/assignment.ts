/** A node that is up, as assignment sees it. */
export interface Candidate {
  readonly id: string;
  /** Sessions that it carries or is about to, by control's count: tickets that may still be used included. */
  readonly sessions: number;
  /** The most that it bears, by its own word; `null` where it says none. */
  readonly maximumSessions: number | null;
  readonly isDraining: boolean;
}

/** What draws a machine's console to one node. */
export interface Bonds {
  /** The node that holds the console, where that bears one connection at a time. */
  readonly holder?: string | undefined;
  /** The node that has, or just had, a session of the machine that somebody opened. */
  readonly previous?: string | undefined;
}

/** `first-available`: nodes are filled one after the other, in the order of the candidates. */
export const ASSIGNMENT_ORDERS = ["first-available", "least-loaded"] as const;

export interface AssignmentPolicy {
  /** `consoleproxy.session.max`: how many sessions a node has before machines that are new to it go elsewhere. */
  readonly sessionMax: number;
  readonly order: (typeof ASSIGNMENT_ORDERS)[number];
}

export interface Assigned<Node> {
  readonly node: Node;
  /** How many places of the node may be taken for this console: the session has one of the numbers below it. */
  readonly places: number;
  /** How many of these are taken first, as machines that are new to the node have no others. */
  readonly room: number;
}

/** Where a node says no bound of its own. A place has to fit an `integer`. */
const UNBOUNDED = 1_000_000;

/**
 * Which node serves a console. A console that bears one connection belongs to the node that holds it, draining or not. A
 * machine goes back to the node that has or just had its session, whatever the load, as viewers that open again find
 * the certificate and the cache that they know. All others go where there is room.
 */
export function assign<Node extends Candidate>(
  candidates: readonly Node[],
  { holder, previous }: Bonds,
  policy: AssignmentPolicy,
): Assigned<Node> | "machine_busy" | "no_node_available" {
  if (holder !== undefined) {
    const node = candidates.find(({ id }) => id === holder);
    return node !== undefined && bears(node) ? assigned(node, ceiling(node), policy) : "machine_busy";
  }
  const back = previous === undefined ? undefined : candidates.find(({ id }) => id === previous);
  if (back !== undefined && !back.isDraining && bears(back)) return assigned(back, ceiling(back), policy);
  const node = pick(candidates, policy);
  return node === undefined ? "no_node_available" : assigned(node, room(node, policy), policy);
}

function assigned<Node extends Candidate>(
  node: Node,
  places: number,
  policy: AssignmentPolicy,
): Assigned<Node> {
  return { node, places, room: room(node, policy) };
}

function pick<Node extends Candidate>(
  candidates: readonly Node[],
  policy: AssignmentPolicy,
): Node | undefined {
  const hasRoom = (node: Node) => !node.isDraining && node.sessions < room(node, policy);
  if (policy.order === "first-available") return candidates.find(hasRoom);
  let least: Node | undefined;
  for (const node of candidates)
    if (hasRoom(node) && (least === undefined || node.sessions < least.sessions)) least = node;
  return least;
}

function bears(node: Candidate): boolean {
  return node.sessions < ceiling(node);
}

function ceiling({ maximumSessions }: Candidate): number {
  return maximumSessions ?? UNBOUNDED;
}

function room(node: Candidate, { sessionMax }: AssignmentPolicy): number {
  return Math.min(sessionMax, ceiling(node));
}
