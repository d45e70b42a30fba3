/** A node that is up, as assignment sees it. */
export interface Candidate {
  readonly id: string;
  /** Sessions that it carries or is about to, by control's count: tickets that may still be used included. */
  readonly sessions: number;
  /** `null`: it takes as many as come. */
  readonly maximumSessions: number | null;
}

/**
 * Which node serves a console. A machine goes back to the node that has, or just had, its session, whatever the
 * load, as long as there is room: a viewer that opens again finds warm caches and the same certificate. Otherwise
 * the first one with room. `undefined` when there is none.
 */
export function assign<Node extends Candidate>(
  candidates: readonly Node[],
  previousNodeId: string | undefined,
): Node | undefined {
  const free = candidates.filter(
    ({ sessions, maximumSessions }) => maximumSessions === null || sessions < maximumSessions,
  );
  return free.find(({ id }) => id === previousNodeId) ?? free[0];
}
