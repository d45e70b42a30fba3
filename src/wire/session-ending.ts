import type { Session } from "./api.ts";

type Ended = Pick<Session, "ending" | "redeemedAt">;

/** A link that nobody opened in its time is nothing that went wrong. */
export function isUnused({ ending, redeemedAt }: Ended): boolean {
  return ending?.code === "ticket_expired" && redeemedAt === undefined;
}

/** Whether a session failed or was cut, in place of being ended by who used it or had a right to end it. */
export function endedBadly(session: Ended): boolean {
  const { ending } = session;
  // Somebody wanted it ended, before anybody had used the link.
  const wasWanted = ending?.kind === "closed" || ending?.code === "session_ended";
  return ending !== undefined && !wasWanted && !isUnused(session);
}
