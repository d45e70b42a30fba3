import { randomInt } from "node:crypto";
import { sql } from "kysely";
import { GatewayError } from "#wire/gateway-error.ts";
import type { ConsoleProtocol } from "#wire/grant.ts";
import { isConsole, isLive } from "../sessions/conditions.ts";
import type { SettingValues } from "../settings/settings.ts";
import { INTEGER, of, prepare, TEXT } from "../store/prepared.ts";
import type { Store } from "../store/store.ts";
import { type Assigned, assign, type Bonds } from "./assignment.ts";
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
  readonly protocol: ConsoleProtocol;
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

const limits = {
  /** Of a machine's consoles the latest, among which one is looked for that was opened: others nobody has come for. */
  latestConsoles: 50,
  /** A node may have thousands of places, and who is taken in is not to wait until all have been read. */
  placesAtOnce: 64,
  /** How many parts are looked into before all places are. */
  parts: 8,
} as const;

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
      const seat = await choose(guest, { bonds, mayGuess: lost === 0 });
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
      const place = await freePlace(assigned, mayGuess);
      if (place !== undefined) {
        node.given.add(place);
        node.sessions += 1;
        return { node: publicNames(node, values.value("consoleproxy.url.domain")), place };
      }
      // It is full, whatever was read of it.
      node.sessions = Math.max(node.sessions, places);
    }
  }

  /**
   * A number of those that nobody has. One at random, so that those who choose at once choose differently. Whose guess was
   * another's looks before he takes a second one: to look is a statement, to lose again a reading of the whole fleet.
   */
  async function freePlace({ node, places, room }: Assigned<ViewedNode>, mayGuess: boolean) {
    const first = Math.min(room, places);
    if (mayGuess && node.sessions < first / 2) {
      const guess = randomInt(first);
      if (!node.given.has(guess)) return guess;
    }
    // INVARIANT: a machine that comes back leaves none free that a new one could have, or the setting would not hold.
    return (
      (await freeWithin(node, { from: 0, to: first })) ??
      (await freeWithin(node, { from: first, to: places }))
    );
  }

  /** Looks into a part of them first, as there may be very many. */
  async function freeWithin(node: ViewedNode, range: Range): Promise<number | undefined> {
    const spare = range.to - range.from - limits.placesAtOnce;
    for (let looked = 0; spare > 0 && looked < limits.parts; looked += 1) {
      const from = range.from + randomInt(spare);
      const place = await freeIn(node, { from, to: from + limits.placesAtOnce });
      if (place !== undefined) return place;
    }
    return await freeIn(node, range);
  }

  async function freeIn(node: ViewedNode, range: Range): Promise<number | undefined> {
    if (range.from >= range.to) return undefined;
    const rows = await findTaken(store.db, { nodeId: node.id, ...range });
    const taken = new Set(rows.map(({ place }) => place));
    return anyOf(range, (place) => !taken.has(place) && !node.given.has(place));
  }

  async function bondsOf({ id, pool, protocol, isExclusive }: Guest): Promise<Bonds> {
    const candidates = await view.pool(pool);
    if (!isExclusive && candidates.length < 2) return {};
    const timeoutMs = values.value("consoleproxy.session.timeout");
    const [latest] = await findBonds.latest(store.db, { machineId: id, timeoutMs });
    const [holder] = isExclusive ? await findBonds.holder(store.db, { machineId: id, protocol }) : [];
    return { previous: latest?.node_id, holder: holder?.node_id };
  }
}

/** Numbers of places, the second one not included. */
interface Range {
  readonly from: number;
  readonly to: number;
}

/** A number of the range that satisfies the condition, looked for from anywhere in it on. */
function anyOf({ from, to }: Range, isFree: (place: number) => boolean): number | undefined {
  const count = to - from;
  const offset = randomInt(count);
  for (let step = 0; step < count; step += 1) {
    const place = from + ((offset + step) % count);
    if (isFree(place)) return place;
  }
  return undefined;
}

function prepareTaken(store: Store) {
  return prepare(store, { nodeId: TEXT, from: INTEGER, to: INTEGER }, (db, { nodeId, from, to }) =>
    db
      .selectFrom("sessions")
      .select("place")
      .where("node_id", "=", nodeId)
      .where(isLive)
      .where("place", ">=", from)
      .where("place", "<", to),
  );
}

function prepareBonds(store: Store) {
  return {
    /** Where the machine's last console is that somebody opened, or was until a moment ago. */
    latest: prepare(store, { machineId: TEXT, timeoutMs: INTEGER }, (db, { machineId, timeoutMs }) =>
      db
        .selectFrom((last) =>
          last
            .selectFrom("sessions")
            .select(["id", "node_id", "redeemed_at", "ended_at"])
            .where("machine_id", "=", machineId)
            .where(isConsole)
            .orderBy("id", "desc")
            .limit(sql.lit(limits.latestConsoles))
            .as("latest"),
        )
        .select("node_id")
        // A link that nobody used draws nothing, or any number of them could be had beyond the setting.
        .where("redeemed_at", "is not", null)
        .where((where) =>
          where.or([where("ended_at", "is", null), where("ended_at", ">", where(store.now, "-", timeoutMs))]),
        )
        .orderBy("id", "desc")
        .limit(1),
    ),
    holder: prepare(
      store,
      { machineId: TEXT, protocol: of<ConsoleProtocol>() },
      (db, { machineId, protocol }) =>
        db
          .selectFrom("sessions")
          .select("node_id")
          .where("machine_id", "=", machineId)
          .where("protocol", "=", protocol)
          .where(isConsole)
          .where(isLive)
          .orderBy("id", "desc")
          .limit(1),
    ),
  };
}
