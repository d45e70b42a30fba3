import { randomBytes } from "node:crypto";
import { sql } from "kysely";
import type { Clock } from "#base/clock.ts";
import { Secret } from "#base/secret.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import { LONGEST_TICKET_LIFETIME_MS } from "../settings/table.ts";
import { INTEGER, prepare } from "../store/prepared.ts";
import type { Queries, Store } from "../store/store.ts";
import type { InstallationKey } from "../vault/installation-key.ts";
import type { Place, Vault } from "../vault/vault.ts";
import { extract, FIRST_GENERATION, type Generation } from "./ticket-keys.ts";

const limits = {
  /** What nodes are given to hold: the one that seals, the one that is to, and one whose last tickets run out. */
  generations: 3,
  /** A replica that reads what was true a moment ago may seal with a generation that was just given up. */
  graceMs: 60_000,
} as const;

const SECRET_BYTES = 32;

interface Parts {
  readonly store: Store;
  readonly vault: Vault;
  readonly key: InstallationKey;
  readonly installationId: string;
  readonly clock: Clock;
}

/**
 * The generations of ticket keys. A new one seals a node's tickets once that node has said that it holds it
 * (fleet/candidates.ts). An old one is given up in two steps: when every node that is up holds a newer one, nothing
 * is sealed with it any more; when the longest ticket's life has passed since, nodes forget it. So a rotation cuts nobody.
 *
 * INVARIANT: the newest generation is never given up, so that numbers only rise and none comes twice.
 */
export interface KeyGenerations {
  /** All that a node is to hold, the newest first. */
  all(): Promise<readonly Generation[]>;
  one(generation: number): Promise<Generation>;
  /** Makes the next one, in the transaction that tells of it, and resolves to its number. Throws `limit_reached`. */
  add(db: Queries): Promise<number>;
}

export async function createKeyGenerations(parts: Parts): Promise<KeyGenerations> {
  const { store, vault, clock } = parts;
  await makeFirst(parts);
  // What a number stands for never changes.
  const known = new Map<number, Generation>();
  const findAll = prepare(store, {}, (db) =>
    db.selectFrom("ticket_keys").select(["generation", "secret_sealed"]).orderBy("generation", "desc"),
  );
  const all = async () => {
    const rows = await findAll(store.db, {});
    const generations = rows.map((row) => known.get(row.generation) ?? open(row, vault));
    known.clear();
    for (const generation of generations) known.set(generation.generation, generation);
    return generations;
  };

  return {
    all,

    async one(generation) {
      const found = known.get(generation) ?? (await all()).find((one) => one.generation === generation);
      if (found === undefined) throw new Error(`there is no generation ${generation} of ticket keys`);
      return found;
    },

    async add(db) {
      const rows = await db.selectFrom("ticket_keys").select("generation").execute();
      if (rows.length >= limits.generations)
        throw new GatewayError("limit_reached", {
          detail: `${rows.length} generations of ticket keys are in use; the oldest goes an hour after all nodes hold a newer one`,
        });
      const generation = Math.max(...rows.map((row) => row.generation)) + 1;
      await insert(db, { generation, secret: randomBytes(SECRET_BYTES) }, { store, vault, clock });
      return generation;
    },
  };
}

/** Gives up what no node needs any more. Runs now and then. */
export function createKeyRetirement(
  store: Store,
  silenceMs: () => number,
): () => Promise<{ readonly forgotten: number }> {
  const giveUp = prepare(store, { silenceMs: INTEGER }, (db, slots) =>
    db
      .updateTable("ticket_keys")
      .set({ retiring_at: store.now })
      .where("retiring_at", "is", null)
      .where("generation", "<", newest)
      .where((where) =>
        where.not(
          where.exists(
            where
              .selectFrom("nodes")
              .select("nodes.id")
              .where("nodes.incarnation", "is not", null)
              .where("nodes.seen_at", ">", (silent) => silent(store.now, "-", slots.silenceMs))
              .whereRef("nodes.ticket_generation", "<=", "ticket_keys.generation"),
          ),
        ),
      ),
  );
  const forget = prepare(store, { agoMs: INTEGER }, (db, slots) =>
    db
      .deleteFrom("ticket_keys")
      .where("retiring_at", "<=", (where) => where(store.now, "-", slots.agoMs))
      .where("generation", "<", newest)
      .returning("generation"),
  );
  return async () => {
    await giveUp(store.db, { silenceMs: silenceMs() });
    const rows = await forget(store.db, { agoMs: LONGEST_TICKET_LIFETIME_MS + limits.graceMs });
    return { forgotten: rows.length };
  };
}

const newest = sql<number>`(select max(others.generation) from ticket_keys as others)`;

/** Of an installation that was made before there were generations, and of a new one alike. */
async function makeFirst({ store, vault, key, installationId, clock }: Parts): Promise<void> {
  const existing = await store.db.selectFrom("ticket_keys").select("generation").limit(1).executeTakeFirst();
  if (existing !== undefined) return;
  const first = { generation: FIRST_GENERATION, secret: extract(installationId, key) };
  await insert(store.db, first, { store, vault, clock });
}

async function insert(
  db: Queries,
  { generation, secret }: Generation,
  { store, vault, clock }: Pick<Parts, "store" | "vault" | "clock">,
): Promise<void> {
  const sealed = vault.seal(new Secret(Buffer.from(secret).toString("base64url")), placeOf(generation));
  try {
    await db
      .insertInto("ticket_keys")
      .values({ generation, secret_sealed: sealed, created_at: clock.now(), retiring_at: null })
      // Another replica that starts at the same time makes the same first one.
      .$if(generation === FIRST_GENERATION, (query) => query.onConflict((conflict) => conflict.doNothing()))
      .execute();
  } catch (cause) {
    if (!store.isDuplicate(cause)) throw cause;
    throw new GatewayError("conflict", { cause, detail: "somebody else has just rotated the ticket keys" });
  }
}

function open(
  row: { readonly generation: number; readonly secret_sealed: string },
  vault: Vault,
): Generation {
  const secret = vault.open(row.secret_sealed, placeOf(row.generation)).expose();
  return { generation: row.generation, secret: new Uint8Array(Buffer.from(secret, "base64url")) };
}

function placeOf(generation: number): Place {
  return { table: "ticket_keys", row: String(generation), column: "secret_sealed" };
}
