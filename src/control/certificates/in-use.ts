import { X509Certificate } from "node:crypto";
import { notedChain } from "../fleet/served-chain.ts";
import type { Store } from "../store/store.ts";

/** How a pool is called in metrics and logs where all of them are meant: no pool has that name. */
const ALL_POOLS = "*";

/** A certificate whose end somebody would notice. */
export interface CertificateInUse {
  readonly kind: "uploaded" | "served" | "authority";
  /** `*`: all pools. */
  readonly pool: string;
  /** Of one that is served. */
  readonly nodeId?: string;
  /** What it is for. */
  readonly names: readonly string[];
  /** Whether Porthole makes the next one by itself. */
  readonly renewsItself: boolean;
  /** Milliseconds since 1970. */
  readonly notAfter: number;
}

export type ReadCertificatesInUse = () => Promise<readonly CertificateInUse[]>;

/** What was uploaded, what nodes have said that they serve, and the installation's own CA. */
export function createCertificatesInUse({ db }: Store, authority: string): ReadCertificatesInUse {
  const own: CertificateInUse = {
    kind: "authority",
    pool: ALL_POOLS,
    names: ["the installation's own CA"],
    renewsItself: false,
    notAfter: new X509Certificate(authority).validToDate.getTime(),
  };
  return async () => {
    const uploaded = await db.selectFrom("certificates").select(["pool", "names", "not_after"]).execute();
    const nodes = await db
      .selectFrom("nodes")
      .select(["id", "pool", "page_origin", "certificate_not_after", "certificate_names"])
      .where("certificate_not_after", "is not", null)
      .whereRef("certificate_incarnation", "=", "incarnation")
      .orderBy("id")
      .execute();
    return [
      own,
      ...uploaded.map(
        ({ pool, names, not_after: notAfter }): CertificateInUse => ({
          kind: "uploaded",
          pool: pool || ALL_POOLS,
          names: JSON.parse(names) as readonly string[],
          renewsItself: false,
          notAfter,
        }),
      ),
      ...nodes.map(
        ({ id, pool, page_origin, certificate_not_after, certificate_names }): CertificateInUse => ({
          kind: "served",
          pool,
          nodeId: id,
          names: [page_origin],
          renewsItself: notedChain(certificate_names) === undefined,
          notAfter: certificate_not_after ?? 0,
        }),
      ),
    ];
  };
}
