import type { SessionState } from "#wire/api.ts";
import type { ErrorCode } from "#wire/errors.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import { isTrying } from "../sessions/conditions.ts";
import { INTEGER, prepare, TEXT } from "../store/prepared.ts";
import type { Store } from "../store/store.ts";

export const limits = {
  /**
   * Attempts with a password that is not known to be right, those that failed and those that are under way. TigerVNC shuts out
   * whoever has had five connections without one that was right, and behind a node everybody comes from one address.
   */
  free: 3,
  /**
   * How long an attempt counts of which nothing is heard: what a node waits for its grant and then for the hypervisor
   * (proxy/deadlines.ts), and some seconds for its report. Whatever became of the node, it keeps nobody waiting for longer.
   */
  countedMs: 30_000,
} as const;

/** What `trying_since` says of a session that tried what is not on record any more: nobody waits for what comes of it. */
export const OUTDATED = 0;

/** What is to become of an attempt to sign in. */
export type Verdict =
  | { readonly kind: "go" }
  /** It may be the one that finds out, if it is written down that it is. */
  | { readonly kind: "try"; readonly failures: number }
  /** So many others are finding out. */
  | { readonly kind: "wait"; readonly failures: number; readonly others: number }
  | { readonly kind: "refuse"; readonly error: GatewayError };

/** What is known when an attempt is judged. */
export interface Standing {
  readonly now: number;
  /** 1: a password is on record of the machine itself. */
  readonly has_password: 0 | 1;
  /** Of its hypervisor; null: it has none. */
  readonly platform: string | null;
  readonly has_session_passwords: 0 | 1 | null;
  /** Null: nothing has come of what is on record. */
  readonly failures: number | null;
  readonly next_at: number | null;
  /** Of the session itself. */
  readonly state: SessionState | null;
  readonly ending_code: ErrorCode | null;
  readonly trying_since: number | null;
  /** Others that try this machine's password now, and how many of them are of the same account. */
  readonly others: number | null;
  readonly own: number | null;
}

/** One statement, which finds everything by its key. None: there is no such machine. */
export function prepareStanding(store: Store) {
  const kinds = { sessionId: TEXT, machineId: TEXT, countedMs: INTEGER };
  return prepare(store, kinds, (db, slots) => {
    const trying = db
      .selectFrom("sessions")
      .select((count) => count.fn.countAll<number>().as("trying"))
      .where("sessions.machine_id", "=", slots.machineId)
      .where(isTrying)
      .where("sessions.trying_since", ">", (where) => where(store.now, "-", slots.countedMs))
      .where("sessions.id", "<>", slots.sessionId);
    return db
      .selectFrom("machines")
      .leftJoin("hypervisors", "hypervisors.id", "machines.hypervisor_id")
      .leftJoin("sign_in_failures", "sign_in_failures.machine_id", "machines.id")
      .leftJoin("sessions as asking", (join) => join.on("asking.id", "=", slots.sessionId))
      .select((row) => [
        store.now.as("now"),
        row
          .case()
          .when("machines.password_sealed", "is", null)
          .then<0 | 1>(0)
          .else<0 | 1>(1)
          .end()
          .as("has_password"),
        trying.as("others"),
        trying.whereRef("sessions.account_id", "=", row.ref("asking.account_id")).as("own"),
      ])
      .select(["hypervisors.platform", "hypervisors.has_session_passwords"])
      .select(["sign_in_failures.failures", "sign_in_failures.next_at"])
      .select(["asking.state", "asking.ending_code", "asking.trying_since"])
      .where("machines.id", "=", slots.machineId);
  });
}

/** Judges an attempt. What lets it try is good while nobody else is let. */
export function judge(standing: Standing | undefined): Verdict {
  // What became of the machine, the grant says.
  if (standing === undefined) return GO;
  const { state, trying_since: tryingSince, failures, next_at: nextAt } = standing;
  if (state !== "pending")
    return { kind: "refuse", error: new GatewayError(standing.ending_code ?? "session_ended") };
  // It is asked once more, and was let through before.
  if (tryingSince !== null && tryingSince !== OUTDATED) return GO;
  if (failures === 0 || (failures === null && !mayBeWrong(standing))) return GO;
  if (failures !== null && failures >= limits.free) return whenDue(standing, failures, nextAt ?? 0);
  return whileFree(standing, failures ?? 0);
}

const GO: Verdict = { kind: "go" };

/** What libvirt says of its own machines' passwords, or has set, is right; of a command that is not known. */
function mayBeWrong({ has_password, platform, has_session_passwords }: Standing): boolean {
  if (has_session_passwords === 1) return false;
  return has_password === 1 || platform === "command";
}

/** Nobody takes the last place with all the others: who opens many consoles at once keeps nobody else from trying. */
function whileFree({ others, own }: Standing, failures: number): Verdict {
  const left = limits.free - failures;
  const isFree = (others ?? 0) < left && (own ?? 0) < Math.max(1, left - 1);
  return isFree ? { kind: "try", failures } : { kind: "wait", failures, others: others ?? 0 };
}

/** One by one, each when it is due. While one is under way, it is worth waiting for what comes of it. */
function whenDue({ others, now }: Standing, failures: number, nextAt: number): Verdict {
  if ((others ?? 0) > 0) return { kind: "wait", failures, others: others ?? 0 };
  if (nextAt <= now) return { kind: "try", failures };
  const seconds = Math.max(1, Math.ceil((nextAt - now) / 1000));
  const detail = `${failures} attempts failed; the next one is due in ${seconds} s`;
  return { kind: "refuse", error: new GatewayError("upstream_password_paced", { detail }) };
}
