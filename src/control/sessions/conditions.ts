import { sql } from "kysely";

/**
 * The conditions of the indexes that leave ended sessions out (store/migrations). A statement has to say them in
 * these words, with the values in the text: a database does not look into parameters when it picks an index.
 */
export const isLive = sql<boolean>`sessions.state <> 'ended'`;

/** Of a console to work at, which is what people mean by a session. */
export const isConsole = sql<boolean>`sessions.purpose = 'console'`;

export const isThumbnail = sql<boolean>`sessions.purpose = 'thumbnail'`;

/** Issued, and neither used nor swept away. */
export const isUnredeemed = sql<boolean>`sessions.state = 'pending' and sessions.redeemed_at is null`;

/** Its node may have the grant, and may have let somebody in while no control answered. */
export const isOfflineUnredeemed = sql<boolean>`sessions.offline_grant is not null and sessions.redeemed_at is null and sessions.state <> 'ended'`;

/** Let through to try a password of which nobody knows whether it is right, and not over. */
export const isTrying = sql<boolean>`sessions.trying_since is not null and sessions.state <> 'ended'`;

/**
 * The column's text, for lists of what is live: few sessions are, many are over, so such a list is to come off an index
 * of live ones, whatever else it is narrowed by. A column that something is put to is no candidate for another index.
 */
export function narrowing(column: string) {
  return sql<string>`${sql.ref(column)} || ''`;
}
