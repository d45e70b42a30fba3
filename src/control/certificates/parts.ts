import { randomUUID } from "node:crypto";
import type { Clock } from "#base/clock.ts";
import { authorityProblems } from "#tls/certificate/upload.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { Audit } from "../audit/audit.ts";
import { cleanName } from "../names.ts";
import { requireAdministrator } from "../rights.ts";
import type { Caller } from "../services.ts";
import type { Store } from "../store/store.ts";
import type { CertificatePart } from "./service.ts";

const limits = {
  /** The oldest go first: CloudStack's clients never take one back. */
  parts: 16,
} as const;

const PARTS_LOCK = "certificate-parts";

/** Certificates of authorities that came before the leaf which they belong to, and stay for the next one. */
export function createParts({
  store,
  audit,
  clock,
}: {
  readonly store: Store;
  readonly audit: Audit;
  readonly clock: Clock;
}): {
  /** PEM. */
  all(): Promise<string>;
  addedAt(id: string): Promise<number | undefined>;
  add(caller: Caller, part: CertificatePart): Promise<{ readonly id: string }>;
} {
  return {
    async all() {
      const rows = await store.db.selectFrom("certificate_parts").select("certificate").execute();
      return rows.map(({ certificate }) => certificate).join("\n");
    },

    async addedAt(id) {
      const row = await store.db
        .selectFrom("certificate_parts")
        .select("created_at")
        .where("id", "=", id)
        .executeTakeFirst();
      return row?.created_at;
    },

    async add(caller, { certificate, sequence, ...part }) {
      requireAdministrator(caller);
      const name = cleanName(part.name);
      const problems = authorityProblems(certificate);
      if (problems.length > 0) throw new GatewayError("certificate_refused", { problems });
      const row = { id: randomUUID(), name, sequence, certificate, created_at: clock.now() };
      await store.db.transaction().execute(async (db) => {
        await store.lock(db, PARTS_LOCK);
        await db.deleteFrom("certificate_parts").where("name", "=", name).execute();
        const others = await db
          .selectFrom("certificate_parts")
          .select("id")
          .orderBy("created_at", "desc")
          .orderBy("id")
          .execute();
        const tooOld = others.slice(limits.parts - 1).map(({ id }) => id);
        if (tooOld.length > 0) await db.deleteFrom("certificate_parts").where("id", "in", tooOld).execute();
        await db.insertInto("certificate_parts").values(row).execute();
        const object = { kind: "certificate", id: row.id, name } as const;
        await audit.record(db, {
          action: "certificate.upload",
          by: caller,
          object,
          detail: `part ${sequence}`,
        });
      });
      return { id: row.id };
    },
  };
}
