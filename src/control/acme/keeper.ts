import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { Clock } from "#base/clock.ts";
import type { Log } from "#base/process/log.ts";
import { aborted } from "#base/process/role.ts";
import { askRenewalWindow, renewalId } from "#tls/acme/renewal-info.ts";
import { coversName } from "#tls/certificate/names.ts";
import type { ServerCertificate } from "#tls/certificate/server-certificate.ts";
import type { Audit } from "../audit/audit.ts";
import {
  CERTIFICATES_LOCK,
  type IssuedCertificate,
  type IssuedCertificates,
} from "../certificates/issued.ts";
import type { Cluster } from "../cluster/cluster.ts";
import type { Challenges } from "../names/challenges.ts";
import type { ControlMeters } from "../observe/observing.ts";
import { periodically } from "../periodic.ts";
import type { Queries, Store } from "../store/store.ts";
import type { Vault } from "../vault/vault.ts";
import type { AcmeTable } from "./acme-table.ts";
import { accountKeyOf, issueCertificate, openClient } from "./issuance.ts";
import type { ReadWantedNames } from "./names.ts";
import {
  askAfterMs,
  askAgainMs,
  claimMs,
  isDue,
  isOrdering,
  isQuestionDue,
  renewalIn,
  renewalWithout,
  restMs,
  retryAfterFailureMs,
} from "./schedule.ts";
import { issueForSeen, type SeenIssue } from "./seen-names.ts";
import { failureOf } from "./words.ts";

const times = {
  /** What another replica has been told is seen here after that. */
  lookMs: 2_000,
  /** An order, from its beginning to the certificate. */
  orderMs: 4 * 60_000,
  /** One question for renewal information. */
  questionMs: 60_000,
} as const;

/** No order runs. */
const FREE = { attempt_id: null, attempt_until: null } as const;

export interface KeeperParts {
  readonly store: Store;
  readonly cluster: Cluster;
  readonly vault: Vault;
  readonly audit: Audit;
  readonly clock: Clock;
  readonly log: Log;
  readonly challenges: Challenges;
  readonly issued: IssuedCertificates;
  readonly wantedNames: ReadWantedNames;
  readonly meters?: ControlMeters | undefined;
}

/**
 * Has certificates issued and renewed, on the replica that leads. An order is claimed before it begins, so that two
 * replicas that both believe that they lead make one; and what comes of it counts only as long as the claim does, which
 * whoever changes the configuration takes away.
 */
export function keepCertificates(parts: KeeperParts): { stop(): Promise<void> } {
  const { cluster, log } = parts;
  const look = createLook(parts);
  return cluster.lead("acme", async (signal) => {
    const looking = periodically(async () => await look(signal), {
      everyMs: times.lookMs,
      name: "acme",
      log,
    });
    await aborted(signal);
    await looking.stop();
  });
}

/** Looks whether something is to be done, and does it. */
export function createLook(parts: KeeperParts): (signal: AbortSignal) => Promise<void> {
  const { store, audit, clock, log, issued, wantedNames, meters } = parts;

  return async (signal) => {
    const row = await store.db.selectFrom("acme").selectAll().executeTakeFirst();
    if (row === undefined || isOrdering(row, clock.now())) return;
    const { domain, names } = await wantedNames(row.challenge);
    if (names.length === 0) return;
    const inUse = await issued.current();
    const current = goodFor(inUse, names);
    if (isDue(row, { domain, current, now: clock.now() })) {
      await attempt(row, { domain, names, inUse, signal });
      return;
    }
    // What is to be replaced in any case may be another authority's.
    if (current !== undefined && row.is_wanted === 0 && isQuestionDue(row, clock.now()))
      await ask(row, current, signal);
  };

  function goodFor(
    inUse: IssuedCertificate | undefined,
    names: readonly string[],
  ): IssuedCertificate | undefined {
    return inUse !== undefined && isGoodFor(inUse, names, clock.now()) ? inUse : undefined;
  }

  interface Attempt {
    readonly domain: string;
    readonly names: readonly string[];
    readonly inUse: IssuedCertificate | undefined;
    readonly signal: AbortSignal;
  }

  async function attempt(read: AcmeTable, { domain, names, inUse, signal }: Attempt): Promise<void> {
    const claim = randomUUID();
    const row = await claimed(read, claim, domain);
    if (row === undefined) return;
    log.info({ directory: row.directory, names }, "A certificate is ordered");
    // Nobody has changed the configuration, and the domain is what it was.
    const isWanted = async () =>
      (await isHeld(claim)) && (await wantedNames(row.challenge)).domain === domain;
    /** The account's URL, where it was made by this attempt. */
    let registered: string | undefined;
    const lost = new AbortController();
    const watching = periodically(
      async () => {
        if (!(await isWanted())) lost.abort();
      },
      { everyMs: times.lookMs, name: "acme claim", log },
    );
    const all = AbortSignal.any([signal, lost.signal, AbortSignal.timeout(times.orderMs)]);
    try {
      const seen = await issueForSeen(names, {
        issue: async (some) => await issue(row, some),
        // What it is not for as yet, or is to be renewed in any case.
        isWorth: (some) => isDue(read, { domain, current: goodFor(inUse, some), now: clock.now() }),
      });
      if (!(await isWanted()) || !(await keepAtLast({ row, claim, seen, signal: all }))) {
        log.info({ names }, "A certificate was issued that nobody wants any more");
        await set(claim, FREE);
        return;
      }
      meters?.add("porthole_acme_orders_total", { result: "ok" });
      const notAfter = new Date(seen.certificate.notAfter);
      log.info({ names: seen.names, notAfter }, "A certificate was issued");
    } catch (error) {
      if (!signal.aborted && !lost.signal.aborted) return await fail(row, claim, error);
      if (!signal.aborted) log.info({ names }, "An order was given up that nobody wants any more");
      await set(claim, FREE);
    } finally {
      await watching.stop();
    }

    async function issue(
      { account_url, ...rest }: AcmeTable,
      some: readonly string[],
    ): Promise<ServerCertificate> {
      const keepAccount = async (url: string) => {
        registered = url;
        await set(claim, { account_url: url });
      };
      return await issueCertificate(
        { ...rest, account_url: registered ?? account_url },
        { names: some, replaces: inUse?.chain, signal: all, keepAccount },
        parts,
      );
    }
  }

  /** Nobody else has begun since the row was read. */
  async function claimed(read: AcmeTable, claim: string, domain: string): Promise<AcmeTable | undefined> {
    const now = clock.now();
    return await store.db
      .updateTable("acme")
      .set({
        attempt_id: claim,
        attempt_until: now + claimMs,
        // Two orders do not begin at the same time, so this tells them apart.
        attempted_at: Math.max(now, (read.attempted_at ?? 0) + 1),
        attempted_domain: domain,
      })
      .where((where) => where("attempted_at", read.attempted_at === null ? "is" : "=", read.attempted_at))
      .where("attempt_id", read.attempt_id === null ? "is" : "=", read.attempt_id)
      .returningAll()
      .executeTakeFirst();
  }

  async function isHeld(claim: string): Promise<boolean> {
    const row = await store.db.selectFrom("acme").select("attempt_id").executeTakeFirst();
    return row?.attempt_id === claim;
  }

  async function set(claim: string, values: Partial<AcmeTable>): Promise<void> {
    await store.db.updateTable("acme").set(values).where("attempt_id", "=", claim).execute();
  }

  /** Authorities limit how often they issue the same, so what was issued is not lost to a database that is away for a moment. */
  async function keepAtLast({ signal, ...kept }: Kept & { readonly signal: AbortSignal }): Promise<boolean> {
    for (;;)
      try {
        return await keep(kept);
      } catch (error) {
        log.warn({ error }, "What was issued could not be kept yet");
        await delay(times.lookMs, undefined, { signal }).catch(() => {
          throw error;
        });
      }
  }

  interface Kept {
    readonly row: AcmeTable;
    readonly claim: string;
    readonly seen: SeenIssue<ServerCertificate>;
  }

  async function keep({ row, claim, seen: { certificate, unseen } }: Kept): Promise<boolean> {
    const now = clock.now();
    const failed = unseen === undefined ? undefined : failure(row, unseen);
    const kept = await store.db.transaction().execute(async (db) => {
      await store.lock(db, CERTIFICATES_LOCK);
      const mine = await db
        .updateTable("acme")
        // What it is not for is tried again as what failed is.
        .set({ ...FREE, ...(failed ?? { failures: 0, problem: null, next_at: now + restMs }) })
        .set({ succeeded_at: now, is_wanted: 0, renew_at: renewalWithout(certificate, Math.random) })
        .set({ window_start: null, window_end: null, window_explanation: null, ask_at: now })
        .where("attempt_id", "=", claim)
        .returning("id")
        .executeTakeFirst();
      if (mine === undefined) return false;
      await issued.put(db, certificate);
      if (failed !== undefined) await recordFailure(db, failed.problem);
      return true;
    });
    if (!kept || failed === undefined) return kept;
    meters?.add("porthole_acme_orders_total", { result: "failed" });
    log.warn({ problem: failed.problem }, "A certificate is not for all names that it is wanted for");
    return kept;
  }

  async function fail(row: AcmeTable, claim: string, error: unknown): Promise<void> {
    const failed = failure(row, error);
    meters?.add("porthole_acme_orders_total", { result: "failed" });
    const { problem } = failed;
    log.error({ error, problem, next: new Date(failed.next_at) }, "No certificate was issued");
    await store.db.transaction().execute(async (db) => {
      const mine = await db
        .updateTable("acme")
        .set({ ...FREE, ...failed })
        .where("attempt_id", "=", claim)
        .returning("id")
        .executeTakeFirst();
      if (mine !== undefined) await recordFailure(db, problem);
    });
  }

  function failure(row: AcmeTable, error: unknown) {
    const { words, retryAfterMs } = failureOf(error);
    const failures = row.failures + 1;
    const next_at = clock.now() + retryAfterFailureMs(failures, retryAfterMs, Math.random);
    return { failures, problem: words, next_at };
  }

  async function recordFailure(db: Queries, detail: string): Promise<void> {
    await audit.record(db, { action: "certificate.issue-failed", by: {}, detail });
  }

  /** When the authority would like it to be renewed. What it does not say is left as it is. */
  async function ask(row: AcmeTable, current: IssuedCertificate, signal: AbortSignal): Promise<void> {
    const now = clock.now();
    const own = store.db.updateTable("acme").where("attempted_at", "=", row.attempted_at);
    const id = renewalId(current.chain);
    try {
      const key = await accountKeyOf(row, parts.vault);
      const both = AbortSignal.any([signal, AbortSignal.timeout(times.questionMs)]);
      using client = openClient(row, { key, signal: both });
      const answer = id === undefined ? undefined : await askRenewalWindow(client, id, now);
      const ask_at = now + askAfterMs(answer?.againMs);
      if (answer === undefined) {
        await own.set({ ask_at }).execute();
        return;
      }
      const { start, end, explanation = null } = answer.window;
      // Chosen once, or whoever asks often would hit an early instant in the end.
      const isSame = row.window_start === start && row.window_end === end;
      const renew_at = isSame ? row.renew_at : renewalIn(answer.window, current, Math.random);
      const window = { window_start: start, window_end: end, window_explanation: explanation };
      await own.set({ ...window, ask_at, renew_at }).execute();
    } catch (error) {
      if (signal.aborted) return;
      const { words, retryAfterMs } = failureOf(error);
      log.warn({ problem: words }, "The authority was asked in vain when to renew");
      await own.set({ ask_at: now + askAfterMs(retryAfterMs ?? askAgainMs) }).execute();
    }
  }
}

/** Whether it need not be replaced at once. */
export function isGoodFor(
  { names: held, notAfter }: Pick<IssuedCertificate, "names" | "notAfter">,
  names: readonly string[],
  now: number,
): boolean {
  return notAfter > now && names.every((name) => coversName(held, name));
}
