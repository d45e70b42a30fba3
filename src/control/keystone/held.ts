import type { Store } from "../store/store.ts";

/**
 * So long what Keystone said of somebody counts for tickets and consoles that were issued by it. Tokens end sooner, and whoever comes
 * with another one says it anew; who does not come at all loses it, though nobody tells us when Keystone took it away.
 */
export const RIGHT_HELD_MS = 24 * 60 * 60 * 1000;

/** Forgets what counts no more. Runs now and then. */
export async function sweepKeystoneRights({ db, now }: Store): Promise<void> {
  await db
    .deleteFrom("keystone_rights")
    .where(({ eb }) => eb("seen_at", "<=", eb(now, "-", RIGHT_HELD_MS)))
    .execute();
}
