import { X509Certificate } from "node:crypto";
import { chainId, notedChain } from "../fleet/served-chain.ts";
import type { Store } from "../store/store.ts";
import { sourceNow } from "./source.ts";

/** How a pool is called in metrics and logs where all of them are meant: no pool has that name. */
const ALL_POOLS = "*";

/** Days that are left when an end is first worth a word: where somebody has to act, and where it should have been renewed. */
const TOLD_FROM = { byHand: 30, byControl: 14, byAuthority: 1 } as const;

/** A certificate whose end somebody would notice. */
export interface CertificateInUse {
  readonly kind: "uploaded" | "acme" | "served" | "authority";
  /** `*`: all pools. */
  readonly pool: string;
  /** Of one that is served. */
  readonly nodeId?: string;
  /** What it is for. */
  readonly names: readonly string[];
  readonly toldFromDays: number;
  /** Milliseconds since 1970. */
  readonly notAfter: number;
}

export type ReadCertificatesInUse = () => Promise<readonly CertificateInUse[]>;

/** What was uploaded or issued for pools, what nodes have said that they serve beside that, and the installation's own CA. */
export function createCertificatesInUse({ db }: Store, authority: string): ReadCertificatesInUse {
  const own: CertificateInUse = {
    kind: "authority",
    pool: ALL_POOLS,
    names: ["the installation's own CA"],
    toldFromDays: TOLD_FROM.byHand,
    notAfter: new X509Certificate(authority).validToDate.getTime(),
  };
  return async () => {
    const stored = await db
      .selectFrom("certificates")
      .select(["pool", "names", "chain", "not_after"])
      .select((certificates) => sourceNow(certificates).as("source"))
      .execute();
    const nodes = await db
      .selectFrom("nodes")
      .select(["id", "pool", "page_origin", "certificate_not_after", "certificate_names"])
      .where("certificate_not_after", "is not", null)
      .whereRef("certificate_incarnation", "=", "incarnation")
      .orderBy("id")
      .execute();
    // These speak for the nodes that serve them.
    const known = new Set(stored.map(({ chain }) => chainId(chain)));
    return [
      own,
      ...stored.map(
        ({ pool, names, source, not_after: notAfter }): CertificateInUse => ({
          kind: source === "acme" ? "acme" : "uploaded",
          pool: pool || ALL_POOLS,
          names: JSON.parse(names) as readonly string[],
          toldFromDays: source === "acme" ? TOLD_FROM.byAuthority : TOLD_FROM.byHand,
          notAfter,
        }),
      ),
      ...nodes
        .filter(({ certificate_names: names }) => !known.has(notedChain(names) ?? ""))
        .map(
          ({ id, pool, page_origin, certificate_not_after }): CertificateInUse => ({
            kind: "served",
            pool,
            nodeId: id,
            names: [page_origin],
            toldFromDays: TOLD_FROM.byControl,
            notAfter: certificate_not_after ?? 0,
          }),
        ),
    ];
  };
}
