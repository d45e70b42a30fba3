import { randomInt } from "node:crypto";
import { GatewayError } from "#wire/gateway-error.ts";
import { isConsole, isLive } from "../sessions/conditions.ts";
import type { SettingValues } from "../settings/settings.ts";
import { INTEGER, prepare, TEXT } from "../store/prepared.ts";
import type { Store } from "../store/store.ts";
import { assign, type Bonds } from "./assignment.ts";
import { type FleetNode, FleetView, type ViewedNode } from "./fleet-view.ts";
import { publicNames } from "./public-names.ts";

/** A node, and one of its places that was free. */
export interface Seat {
  readonly node: FleetNode;
  readonly place: number;
}

/** A machine that is to have a console. */
interface Guest {
  readonly id: string;
  readonly pool: string;
  /** Whether its console bears one connection at a time. */
  readonly isExclusive: boolean;
}

/**
 * Chooses seats. Throws `no_node_available` or `machine_busy`. Whoever does not get one, since another took it first or
 * the node has changed, asks again, and says how many were lost to him.
 */
export type ChooseSeat = (guest: Guest, lost?: number) => Promise<Seat>;

/** From so many on it is not taken for chance, and everything is looked at anew. */
const LOST_BY_CHANCE = 1;

/**
 * Sessions are spread over a node by taking one of its places each. The row that takes it is refused where another has
 * it (see the index of places), so a burst needs no lock and overfills nothing, however old what it was chosen by.
 */
export function createSeats({
  store,
  values,
}: {
  readonly store: Store;
  readonly values: SettingValues;
}): ChooseSeat {
  const view = new FleetView(store, values);
  const findBonds = prepareBonds(store);
  const findTaken = prepareTaken(store);

  return async (guest, lost = 0) => {
    const isSure = lost > LOST_BY_CHANCE;
    if (isSure) await view.reread();
    const bonds = await bondsOf(guest);
    // INVARIANT: nobody is refused on the word of a reading that is older than the question.
    for (let isNew = isSure; ; isNew = true) {
      const seat = await choose(guest, { bonds, mayGuess: !isSure });
      if (typeof seat !== "string") return seat;
      if (isNew) throw new GatewayError(seat);
      await view.reread();
    }
  };

  async function choose(guest: Guest, { bonds, mayGuess }: { bonds: Bonds; mayGuess: boolean }) {
    const policy = {
      sessionMax: values.value("consoleproxy.session.max"),
      order: values.value("consoleproxy.assignment.order"),
    };
    const candidates = await view.pool(guest.pool);
    for (;;) {
      const assigned = assign(candidates, bonds, policy);
      if (typeof assigned === "string") return assigned;
      const { node, places } = assigned;
      const place = await freePlace(node, { places, mayGuess });
      if (place !== undefined) {
        node.given.add(place);
        node.sessions += 1;
        return { node: publicNames(node, values.value("consoleproxy.url.domain")), place };
      }
      // It is full, whatever was read of it.
      node.sessions = Math.max(node.sessions, places);
    }
  }

  /** A number of those that nobody has. One at random, so that those who choose at once choose differently. */
  async function freePlace(node: ViewedNode, { places, mayGuess }: { places: number; mayGuess: boolean }) {
    if (mayGuess && node.sessions < places / 2) {
      const guess = randomInt(places);
      if (!node.given.has(guess)) return guess;
    }
    const rows = await findTaken(store.db, { nodeId: node.id, places });
    const taken = new Set(rows.map(({ place }) => place));
    const isFree = (place: number) => !taken.has(place) && !node.given.has(place);
    const offset = randomInt(places);
    for (let step = 0; step < places; step += 1) {
      const place = (offset + step) % places;
      if (isFree(place)) return place;
    }
    return undefined;
  }

  async function bondsOf({ id, pool, isExclusive }: Guest): Promise<Bonds> {
    const candidates = await view.pool(pool);
    if (!isExclusive && candidates.length < 2) return {};
    const timeoutMs = values.value("consoleproxy.session.timeout");
    const [latest] = await findBonds.latest(store.db, { machineId: id, timeoutMs });
    const [holder] = isExclusive ? await findBonds.holder(store.db, { machineId: id }) : [];
    return { previous: latest?.node_id, holder: holder?.node_id };
  }
}

function prepareTaken(store: Store) {
  return prepare(store, { nodeId: TEXT, places: INTEGER }, (db, { nodeId, places }) =>
    db
      .selectFrom("sessions")
      .select("place")
      .where("node_id", "=", nodeId)
      .where(isLive)
      .where("place", "<", places),
  );
}

function prepareBonds(store: Store) {
  return {
    /** Where the machine's last console is, or was until a moment ago. */
    latest: prepare(store, { machineId: TEXT, timeoutMs: INTEGER }, (db, { machineId, timeoutMs }) =>
      db
        .selectFrom((last) =>
          last
            .selectFrom("sessions")
            .select(["node_id", "ended_at"])
            .where("machine_id", "=", machineId)
            .where(isConsole)
            .orderBy("id", "desc")
            .limit(1)
            .as("latest"),
        )
        .select("node_id")
        .where((where) =>
          where.or([where("ended_at", "is", null), where("ended_at", ">", where(store.now, "-", timeoutMs))]),
        ),
    ),
    holder: prepare(store, { machineId: TEXT }, (db, { machineId }) =>
      db
        .selectFrom("sessions")
        .select("node_id")
        .where("machine_id", "=", machineId)
        .where(isConsole)
        .where(isLive)
        .orderBy("id", "desc")
        .limit(1),
    ),
  };
}
