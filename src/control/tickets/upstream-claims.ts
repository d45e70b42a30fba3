import { hash } from "node:crypto";
import { canonicalAddress } from "#wire/address.ts";
import type { ErrorCode } from "#wire/errors.ts";
import { GatewayError, toGatewayError } from "#wire/gateway-error.ts";
import { consolePath, placeOf, type Upstream } from "#wire/grant.ts";
import { type Drivers, driverOf, HYPERVISOR_DRIVER, toDriverMachine } from "../machines/driver-machine.ts";
import { MACHINE_COLUMNS } from "../machines/machine-row.ts";
import type { CloseSessions } from "../sessions/closing.ts";
import { isLive } from "../sessions/conditions.ts";
import type { Queries, Store } from "../store/store.ts";
import type { Vault } from "../vault/vault.ts";

interface Parts {
  readonly store: Store;
  readonly vault: Vault;
  readonly drivers: Drivers;
  readonly closeSessions: CloseSessions;
}

interface Claimant {
  readonly id: string;
  readonly driver: string;
  readonly address: string;
}

/** Says where a session is about to lead. Throws `upstream_contested` where another machine's console is said to be there too. */
export type ClaimUpstream = (sessionId: string, machine: Claimant, upstream: Upstream) => Promise<void>;

type Rival = Awaited<ReturnType<typeof rivalsOf>>[number];

/**
 * INVARIANT: no two live sessions of different machines of hypervisors lead to the same place. Each writes down where it leads, under a
 * lock of that place, and of two the later sees the earlier. Its machine's hypervisor is asked once more: where it names the place still,
 * nobody can tell which of the two is there, and both are refused; where it does not, the earlier ends, and the later is let in.
 *
 * Machines that were registered by hand are where their operator says, twice if he says so.
 */
export function createUpstreamClaims(parts: Parts): ClaimUpstream {
  const { store, closeSessions } = parts;

  return async (sessionId, machine, upstream) => {
    if (machine.driver !== HYPERVISOR_DRIVER) return;
    const claim = claimOf(upstream);
    const rivals = await store.db.transaction().execute(async (db) => {
      await store.lock(db, `console at ${claim}`);
      await db.updateTable("sessions").set({ upstream_claim: claim }).where("id", "=", sessionId).execute();
      return await rivalsOf(db, { sessionId, claim, isLocal: isLocal(upstream) });
    });
    const others = rivals.filter((other) => !isSame(other, machine));
    // At once: a node does not wait for long.
    const judged = await Promise.all(
      others.map(async (rival) => ({ rival, verdict: await judge(parts, rival, claim) })),
    );
    for (const { rival, verdict } of judged) if (verdict !== "unknown") await close(rival, claim, verdict);
    if (judged.some(({ verdict }) => verdict === "unknown" || verdict === "upstream_contested"))
      throw new GatewayError("upstream_contested");
  };

  async function close({ id }: Rival, claim: string, code: ErrorCode): Promise<void> {
    await store.db.transaction().execute(async (db) => {
      await closeSessions(
        db,
        (session) => session.and([session("machine_id", "=", id), session("upstream_claim", "=", claim)]),
        { code },
      );
    });
  }
}

/** By which its hypervisor says that it is there no more. */
const NOT_THERE: ReadonlySet<ErrorCode> = new Set(["machine_gone", "machine_not_running", "machine_moved"]);

/** What a rival's sessions are to end with; "unknown" where its hypervisor does not say whether it is there still. */
async function judge({ drivers, vault }: Parts, rival: Rival, claim: string): Promise<ErrorCode | "unknown"> {
  try {
    const now = await driverOf(drivers, rival.driver).resolve(
      toDriverMachine(rival, vault, rival.console_protocol),
    );
    return claimOf(now) === claim ? "upstream_contested" : "machine_moved";
  } catch (thrown) {
    const { code } = toGatewayError(thrown);
    return NOT_THERE.has(code) ? code : "unknown";
  }
}

/** Machines of hypervisors to whose consoles other live sessions lead that are at the same place. */
async function rivalsOf(
  db: Queries,
  {
    sessionId,
    claim,
    isLocal,
  }: { readonly sessionId: string; readonly claim: string; readonly isLocal: boolean },
) {
  return await db
    .selectFrom("sessions")
    .innerJoin("machines", "machines.id", "sessions.machine_id")
    .select(MACHINE_COLUMNS)
    .select("sessions.protocol as console_protocol")
    .distinct()
    .where("sessions.upstream_claim", "=", claim)
    .where(isLive)
    .where("sessions.id", "<>", sessionId)
    // Of what only its own machine reaches, another node has another.
    .$if(isLocal, (query) =>
      query.where("sessions.node_id", "=", (own) =>
        own.selectFrom("sessions as own").select("own.node_id").where("own.id", "=", sessionId),
      ),
    )
    .execute();
}

/** The same, or known twice: by two names of one hypervisor, which gives its UUID to no other. */
function isSame(one: Claimant, other: Claimant): boolean {
  if (one.id === other.id) return true;
  return one.address === other.address && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(one.address);
}

/**
 * A place as it is compared: an address however it is spelled, and, of servers that have many consoles, which of them. A path may hold
 * what opens the console, which has no business in the database: its digest says as well whether two are the same.
 */
function claimOf({ address, username }: Upstream): string {
  const at = placeOf({ address });
  const which = digestOf(consolePath({ address }));
  const place =
    at.kind === "unix" ? [at.path, ...(which === "" ? [] : [which])] : [hostOf(at), at.port, which];
  return JSON.stringify(username === undefined ? place : [...place, username]);
}

function digestOf(path: string): string {
  return path === "" ? "" : hash("sha256", path, "base64url");
}

function hostOf({ host }: { readonly host: string }): string {
  return canonicalAddress(host) ?? host.toLowerCase();
}

function isLocal({ address }: Upstream): boolean {
  const place = placeOf({ address });
  if (place.kind === "unix") return true;
  const host = hostOf(place);
  return host === "localhost" || host === "::1" || host.startsWith("127.");
}
