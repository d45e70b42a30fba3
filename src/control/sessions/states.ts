import type { SessionState } from "#wire/api.ts";

/** Where a session may go from where it is. What is over stays over. */
const NEXT: Readonly<Record<SessionState, readonly SessionState[]>> = {
  pending: ["active", "closing", "ended"],
  active: ["detached", "closing", "ended"],
  detached: ["active", "closing", "ended"],
  closing: ["ended"],
  ended: [],
};

/** The states from which a session may come into this one: the condition of every update that moves sessions. */
export function statesBefore(state: SessionState): readonly SessionState[] {
  return (Object.keys(NEXT) as SessionState[]).filter((from) => NEXT[from].includes(state));
}
