import type { Clock } from "#base/clock.ts";
import { Secret } from "#base/secret.ts";
import { newAccountKey, readAccountKey } from "#tls/acme/account-key.ts";
import type { AcmeChange } from "#wire/acme.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { Audit } from "../audit/audit.ts";
import { CERTIFICATES_LOCK, type IssuedCertificates } from "../certificates/issued.ts";
import { requireAdministrator } from "../rights.ts";
import type { SettingValues } from "../settings/settings.ts";
import type { Queries, Store } from "../store/store.ts";
import type { Vault } from "../vault/vault.ts";
import type { AcmeTable } from "./acme-table.ts";
import { type CheckedChange, checkChange } from "./change.ts";
import type { ReadWantedNames } from "./names.ts";
import { ACME_ROW, accountKeyPlace, bindingKeyPlace } from "./places.ts";
import type { AcmeService } from "./service.ts";
import { statusOf } from "./status.ts";

const LETS_ENCRYPT = "https://acme-v02.api.letsencrypt.org/directory";

const OFF = "certificates do not come by themselves here";

/** Heartbeats after which every node has the thumbprint that http-01 is answered with. */
const HEARTBEATS_TO_LEARN = 2;

interface Parts {
  readonly store: Store;
  readonly vault: Vault;
  readonly audit: Audit;
  readonly clock: Clock;
  readonly values: SettingValues;
  readonly issued: IssuedCertificates;
  readonly wantedNames: ReadWantedNames;
}

/** The authority that certificates come from by themselves: what is configured, and how it goes. */
export function createAcme(parts: Parts): AcmeService {
  const { store, vault, audit, clock, values, issued, wantedNames } = parts;

  const status = async () => {
    const row = await find(store.db);
    const wanted = await wantedNames(row?.challenge ?? "dns-01");
    return statusOf(row, { wanted, inUse: await issued.current(), now: clock.now() });
  };

  return {
    async show(caller) {
      requireAdministrator(caller);
      return await status();
    },

    async configure(caller, change) {
      requireAdministrator(caller);
      const checked = checkChange(change);
      const key = await newAccountKey();
      const { thumbprint } = await readAccountKey(key);
      const account = {
        account_key_sealed: vault.seal(new Secret(key), accountKeyPlace),
        account_thumbprint: thumbprint,
        account_url: null,
      };
      await store.db.transaction().execute(async (db) => {
        await store.lock(db, CERTIFICATES_LOCK);
        const before = await find(db);
        if (before === undefined && change.replacesUpload !== true && (await issued.isUploaded(db)))
          throw new GatewayError("conflict", {
            detail:
              "a certificate was uploaded for all pools: say that what ACME is issued takes its place (--replace-upload, replacesUpload), or remove it",
          });
        const next = { ...changed(before, checked), ...afresh(checked.challenge ?? before?.challenge) };
        if (before === undefined)
          await db
            .insertInto("acme")
            .values({ ...FIRST, ...next, ...account, is_wanted: 1 })
            .execute();
        else
          await db
            .updateTable("acme")
            .set({ ...next, ...(isOther(before, checked) ? { ...account, ...UNPLANNED } : {}) })
            .execute();
        await audit.record(db, { action: "acme.configure", by: caller, detail: told(change) });
      });
      return await status();
    },

    async renew(caller) {
      requireAdministrator(caller);
      await store.db.transaction().execute(async (db) => {
        const { numUpdatedRows } = await db
          .updateTable("acme")
          .set({ is_wanted: 1, next_at: clock.now() })
          .executeTakeFirst();
        if (numUpdatedRows === 0n)
          throw new GatewayError("conflict", { detail: `${OFF}: “porthole acme configure” first` });
        await audit.record(db, { action: "acme.renew", by: caller });
      });
      return await status();
    },

    async disable(caller) {
      requireAdministrator(caller);
      await store.db.transaction().execute(async (db) => {
        await store.lock(db, CERTIFICATES_LOCK);
        const gone = await db.deleteFrom("acme").returning("directory").executeTakeFirst();
        if (gone === undefined) throw new GatewayError("not_found", { detail: OFF });
        await audit.record(db, { action: "acme.disable", by: caller, detail: gone.directory });
      });
    },
  };

  /** As if nothing had been tried: whatever failed, something else is tried now. */
  function afresh(challenge: AcmeTable["challenge"] | undefined) {
    const learning = HEARTBEATS_TO_LEARN * values.value("consoleproxy.loadscan.interval");
    const next_at = clock.now() + (challenge === "http-01" ? learning : 0);
    return {
      next_at,
      failures: 0,
      problem: null,
      attempt_id: null,
      attempt_until: null,
      attempted_domain: null,
    };
  }

  function changed(before: AcmeTable | undefined, { hmacKey, ...checked }: CheckedChange) {
    return {
      // Another authority has other terms, and knows of no such account.
      ...(before !== undefined && isElsewhere(before, checked)
        ? { binding_key_id: null, binding_key_sealed: null, agrees_to_terms: 0 as const }
        : {}),
      ...checked,
      ...(hmacKey === undefined ? {} : { binding_key_sealed: sealed(hmacKey) }),
      // The account is told of it with the next order.
      account_url: null,
    };
  }

  function sealed(hmacKey: Secret | null): string | null {
    return hmacKey === null ? null : vault.seal(hmacKey, bindingKeyPlace);
  }
}

const FIRST = {
  id: ACME_ROW,
  directory: LETS_ENCRYPT,
  contact: "",
  agrees_to_terms: 0,
  challenge: "dns-01",
  roots: "",
} as const;

/** What another authority has suggested is nothing to this one. */
const UNPLANNED = {
  is_wanted: 1,
  renew_at: null,
  window_start: null,
  window_end: null,
  window_explanation: null,
} as const;

async function find(db: Queries): Promise<AcmeTable | undefined> {
  return await db.selectFrom("acme").selectAll().executeTakeFirst();
}

/** Whether it is another account than before, and so a new key. */
function isOther(before: AcmeTable, change: CheckedChange): boolean {
  return isElsewhere(before, change) || change.hmacKey !== undefined;
}

function isElsewhere(before: AcmeTable, { directory }: Pick<CheckedChange, "directory">): boolean {
  return directory !== undefined && directory !== before.directory;
}

/** For the audit log: what was named, without the key. */
function told({ externalAccount, roots, ...change }: AcmeChange): string {
  const said = Object.entries(change).map(([name, value]) => `${name}=${value}`);
  const account =
    externalAccount === undefined ? [] : [`externalAccount=${externalAccount?.keyId ?? "none"}`];
  return [...said, ...account, ...(roots === undefined ? [] : ["roots"])].join(" ");
}
