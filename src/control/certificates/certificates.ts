import { randomUUID } from "node:crypto";
import type { Clock } from "#base/clock.ts";
import { Secret } from "#base/secret.ts";
import { readServerCertificate, type ServerCertificate } from "#tls/certificate/server-certificate.ts";
import type { CertificateUpload } from "#tls/certificate/upload.ts";
import type { Certificate, NewCertificate } from "#wire/certificate.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { Audit } from "../audit/audit.ts";
import type { Cluster } from "../cluster/cluster.ts";
import { consoleDomain } from "../fleet/public-names.ts";
import { chainId } from "../fleet/served-chain.ts";
import { silenceMs } from "../fleet/up.ts";
import type { ServingFor } from "../link/errands/certificate.ts";
import { requireAdministrator } from "../rights.ts";
import type { SettingChanges, SettingValues } from "../settings/settings.ts";
import type { Queries, Store } from "../store/store.ts";
import type { Place, Vault } from "../vault/vault.ts";
import { ALL_POOLS, type Demand, entrancesOf, fit } from "./coverage.ts";
import { CERTIFICATES_LOCK, type IssuedCertificates } from "./issued.ts";
import { createParts } from "./parts.ts";
import type { Certificates } from "./service.ts";
import { sourceNow } from "./source.ts";

const limits = {
  /** As many pools with a certificate of their own, and the one of all. */
  certificates: 100,
} as const;

const DOMAIN = "consoleproxy.url.domain";

/**
 * The certificates that operators bring: one for all pools, and one for each pool that wants its own. Nodes are
 * told of a change at once; one that is not there is told when it is heard of.
 */
export function createCertificates({
  store,
  vault,
  audit,
  cluster,
  clock,
  changes,
  values,
}: {
  readonly store: Store;
  readonly vault: Vault;
  readonly audit: Audit;
  readonly cluster: Cluster;
  readonly clock: Clock;
  readonly changes: SettingChanges;
  readonly values: SettingValues;
}): {
  readonly certificates: Certificates;
  readonly servingFor: ServingFor;
  readonly issued: IssuedCertificates;
} {
  const parts = createParts({ store, audit, clock });
  const entrances = async (db: Queries, pool: string) =>
    await entrancesOf(
      { db, now: store.now, isDown: (seenAt, now) => seenAt <= now - silenceMs(values) },
      pool,
    );
  changes.guard(DOMAIN, async (db, text) => {
    await store.lock(db, CERTIFICATES_LOCK);
    await requireOthersFit(db, { domain: consoleDomain(text), entrances });
  });

  const tellNodes = async (db: Queries, pool: string) => {
    const all = db.selectFrom("nodes").select("id").where("incarnation", "is not", null);
    const nodes = await (pool === ALL_POOLS ? all : all.where("pool", "=", pool)).execute();
    for (const { id } of nodes) await cluster.publish(db, "node", id);
  };

  const put = async (db: Queries, row: ReturnType<typeof toRow>) => {
    await db.deleteFrom("certificates").where("pool", "=", row.pool).execute();
    await db.insertInto("certificates").values(row).execute();
    await tellNodes(db, row.pool);
  };

  const certificates: Certificates = {
    async list(caller) {
      requireAdministrator(caller);
      return (await shown(store.db).orderBy("pool").execute()).map(toCertificate);
    },

    async uploadedAt(caller, id) {
      requireAdministrator(caller);
      const row = await shown(store.db).where("id", "=", id).executeTakeFirst();
      const at = row?.created_at ?? (await parts.addedAt(id));
      if (at === undefined) throw new GatewayError("not_found", { detail: "certificate" });
      return new Date(at);
    },

    async upload(caller, { pool, domain, ...brought }, { isCompletedByParts = false } = {}) {
      requireAdministrator(caller);
      const wanted = domain === undefined ? undefined : domainNames(domain, pool);
      const demanded = async (db: Queries): Promise<Demand> => ({
        domains: wanted ?? [consoleDomain(await changes.stored(db, DOMAIN))],
        entrances: await entrances(db, pool ?? ALL_POOLS),
      });
      const upload = toUpload(brought, isCompletedByParts ? await parts.all() : undefined);
      const demand = await demanded(store.db);
      const unfit = (names: readonly string[]) => fit(names, demand).problems;
      const reading = readServerCertificate(upload, { now: clock.now(), unfit });
      if ("problems" in reading) throw refused(reading.problems);
      const { certificate } = reading;
      const row = toRow(certificate, {
        pool: pool ?? ALL_POOLS,
        source: "upload",
        vault,
        now: clock.now(),
      });
      await store.db.transaction().execute(async (db) => {
        await store.lock(db, CERTIFICATES_LOCK);
        await requireRoom(db, row.pool);
        if (row.pool === ALL_POOLS) await requireNoAcme(db);
        // The setting, and nodes, may have changed while it was read.
        const { domain: setting, problems } = fit(certificate.names, await demanded(db));
        if (problems.length > 0) throw refused(problems);
        if (wanted !== undefined) {
          await requireOthersFit(db, { domain: setting, entrances, except: ALL_POOLS });
          await changes.write(db, { by: caller, name: DOMAIN, text: setting });
        }
        await audit.record(db, { action: "certificate.upload", by: caller, ...told(row) });
        await put(db, row);
      });
      if (wanted !== undefined) await changes.settled();
      return toCertificate(row);
    },

    addPart: async (caller, part) => await parts.add(caller, part),

    async remove(caller, id) {
      requireAdministrator(caller);
      await store.db.transaction().execute(async (db) => {
        await store.lock(db, CERTIFICATES_LOCK);
        const row = await shown(db).where("id", "=", id).executeTakeFirst();
        if (row === undefined) throw new GatewayError("not_found", { detail: "certificate" });
        if (row.source === "acme") await requireNoAcme(db);
        await db.deleteFrom("certificates").where("id", "=", id).execute();
        await audit.record(db, { action: "certificate.remove", by: caller, ...told(row) });
        await tellNodes(db, row.pool);
      });
    },
  };

  const issued: IssuedCertificates = {
    async current() {
      const row = await shown(store.db)
        .where("pool", "=", ALL_POOLS)
        .where("source", "=", "acme")
        .executeTakeFirst();
      if (row === undefined) return undefined;
      const { fingerprint, chain, names, not_before: notBefore, not_after: notAfter } = row;
      return { fingerprint, chain, names: namesOf(names), notBefore, notAfter };
    },

    async isUploaded(db) {
      const row = await db
        .selectFrom("certificates")
        .select("source")
        .where("pool", "=", ALL_POOLS)
        .executeTakeFirst();
      return row?.source === "upload";
    },

    async put(db, certificate) {
      const row = toRow(certificate, { pool: ALL_POOLS, source: "acme", vault, now: clock.now() });
      await audit.record(db, { action: "certificate.issue", by: {}, ...told(row) });
      await put(db, row);
    },
  };

  return {
    certificates,
    issued,
    async servingFor(pool) {
      // The name of a pool sorts behind the empty one.
      const row = await store.db
        .selectFrom("certificates")
        .select(["id", "fingerprint", "chain", "private_key_sealed"])
        .where("pool", "in", [pool, ALL_POOLS])
        .orderBy("pool", "desc")
        .limit(1)
        .executeTakeFirst();
      if (row === undefined) return undefined;
      const privateKey = vault.open(row.private_key_sealed, keyPlace(row.id)).expose();
      return { id: row.fingerprint, chain: row.chain, privateKey };
    },
  };
}

/** Everything but the key. */
function shown(db: Queries) {
  return db
    .selectFrom("certificates")
    .select(["id", "pool", "fingerprint", "chain", "names", "subject", "issuer"])
    .select(["not_before", "not_after", "created_at"])
    .select((certificates) => sourceNow(certificates).as("source"));
}

type ShownRow = Awaited<ReturnType<ReturnType<typeof shown>["executeTakeFirstOrThrow"]>>;

function refused(problems: readonly string[]): GatewayError {
  return new GatewayError("certificate_refused", { problems });
}

/** What the setting may become with this domain, the better first. */
function domainNames(domain: string, pool: string | undefined): readonly string[] {
  if (pool !== undefined)
    throw new GatewayError("request_invalid", {
      detail: "domain: is that of all pools, so it goes without a pool",
    });
  try {
    const name = consoleDomain(domain.trim().replace(/^\*?\./, ""));
    if (name === "") throw new Error("must be a domain name");
    return [`*.${name}`, name];
  } catch (cause) {
    const detail = `domain: ${cause instanceof Error ? cause.message : String(cause)}`;
    throw new GatewayError("request_invalid", { cause, detail });
  }
}

function toUpload(
  { certificate, privateKey, pkcs12, passphrase }: Omit<NewCertificate, "pool" | "domain">,
  authorities: string | undefined,
): CertificateUpload {
  if (pkcs12 === undefined) return { certificate, privateKey, passphrase, authorities };
  if (certificate !== undefined || privateKey !== undefined)
    throw new GatewayError("request_invalid", {
      detail: "pkcs12: takes the place of certificate and privateKey, so it goes without them",
    });
  return { pkcs12: new Uint8Array(Buffer.from(pkcs12, "base64")), passphrase, authorities };
}

function toRow(
  certificate: ServerCertificate,
  parts: {
    readonly pool: string;
    readonly source: "upload" | "acme";
    readonly vault: Vault;
    readonly now: number;
  },
) {
  const { pool, source, vault, now } = parts;
  const id = randomUUID();
  return {
    id,
    pool,
    fingerprint: certificate.id,
    chain: certificate.chain,
    private_key_sealed: vault.seal(new Secret(certificate.privateKey), keyPlace(id)),
    names: JSON.stringify(certificate.names),
    subject: certificate.subject,
    issuer: certificate.issuer,
    not_before: certificate.notBefore,
    not_after: certificate.notAfter,
    created_at: now,
    source,
  };
}

async function requireRoom(db: Queries, pool: string): Promise<void> {
  const others = await db.selectFrom("certificates").select("id").where("pool", "!=", pool).execute();
  if (others.length >= limits.certificates)
    throw new GatewayError("limit_reached", { detail: `${limits.certificates} certificates` });
}

/** While ACME is on, that of all pools is its own, so that neither of the two overwrites what the other has put there. */
async function requireNoAcme(db: Queries): Promise<void> {
  const directory = await acmeDirectory(db);
  if (directory === undefined) return;
  const { host } = new URL(directory);
  throw new GatewayError("conflict", {
    detail: `the certificate of all pools comes from ${host} by itself: “porthole acme disable” first, or name a pool`,
  });
}

/** `undefined` while certificates do not come by themselves. */
async function acmeDirectory(db: Queries): Promise<string | undefined> {
  return (await db.selectFrom("acme").select("directory").executeTakeFirst())?.directory;
}

/** Throws where nodes would be called by a domain that the certificate which they serve is not for. */
async function requireOthersFit(
  db: Queries,
  {
    domain,
    entrances,
    except,
  }: {
    readonly domain: string;
    readonly entrances: (db: Queries, pool: string) => Promise<Demand["entrances"]>;
    readonly except?: string;
  },
): Promise<void> {
  const rows = await shown(db).orderBy("pool").execute();
  // ACME gets one for the new domain at once; links have the old one until that is served.
  const isRenewed = domain !== "" && (await acmeDirectory(db)) !== undefined;
  const unfit: string[] = [];
  for (const { id, pool, names, source } of rows) {
    if (pool === except || (source === "acme" && isRenewed)) continue;
    const { problems } = fit(namesOf(names), { domains: [domain], entrances: await entrances(db, pool) });
    if (problems.length > 0) {
      const [name = "no name"] = namesOf(names);
      unfit.push(`${id} for ${name} (${pool === ALL_POOLS ? "all pools" : `pool ${pool}`})`);
    }
  }
  if (unfit.length > 0)
    throw new GatewayError("conflict", {
      detail: `these certificates are not for nodes under ${domain === "" ? "no domain" : domain}, so upload others with --domain, which sets it as well, or “porthole certificate delete” them first: ${unfit.join(", ")}`,
    });
}

function told({ id, names, pool, not_after: end }: Pick<ShownRow, "id" | "names" | "pool" | "not_after">) {
  const whose = pool === ALL_POOLS ? "all pools" : `pool ${pool}`;
  return {
    object: { kind: "certificate", id },
    detail: `${namesOf(names).join(" ")} until ${new Date(end).toISOString()} ${whose}`,
  } as const;
}

function toCertificate(row: ShownRow): Certificate {
  return {
    id: row.id,
    ...(row.pool === ALL_POOLS ? {} : { pool: row.pool }),
    fingerprint: row.fingerprint,
    names: [...namesOf(row.names)],
    subject: row.subject,
    issuer: row.issuer,
    notBefore: new Date(row.not_before).toISOString(),
    notAfter: new Date(row.not_after).toISOString(),
    chain: row.chain,
    chainId: chainId(row.chain),
    createdAt: new Date(row.created_at).toISOString(),
    source: row.source,
  };
}

function namesOf(json: string): readonly string[] {
  return JSON.parse(json) as readonly string[];
}

function keyPlace(id: string): Place {
  return { table: "certificates", row: id, column: "private_key_sealed" };
}
