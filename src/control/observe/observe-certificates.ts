import type { CertificateInUse, ReadCertificatesInUse } from "../certificates/in-use.ts";
import type { Store } from "../store/store.ts";
import type { ControlMeters } from "./observing.ts";

/** Adds when certificates end, and how far nodes have come with theirs; read when it is asked for. */
export function watchCertificates(
  meters: ControlMeters,
  { store, inUse }: { readonly store: Store; readonly inUse: ReadCertificatesInUse },
): void {
  meters.onRead(async (set) => {
    for (const { kind, pool, notAfter } of earliest(await inUse()))
      set("porthole_certificate_end_time_seconds", notAfter / 1000, { kind, pool });
    const counted = Map.groupBy(await nodeStates(store), ({ pool, state }) => `${state} ${pool}`);
    for (const nodes of counted.values()) {
      const [node] = nodes;
      if (node !== undefined) set("porthole_certificate_nodes", nodes.length, { ...node });
    }
  });
}

/** Of many nodes the one whose certificate ends first speaks for its pool. */
function earliest(certificates: readonly CertificateInUse[]): readonly CertificateInUse[] {
  const alike = Map.groupBy(certificates, ({ kind, pool }) => `${kind} ${pool}`);
  return [...alike.values()].map((each) =>
    each.reduce((first, other) => (other.notAfter < first.notAfter ? other : first)),
  );
}

/** Of those that can serve TLS. */
async function nodeStates({ db }: Store) {
  const rows = await db
    .selectFrom("nodes")
    .select(["pool", "certificate_refused", "certificate_settled", "certificate_id"])
    .where("secure_page_origin", "is not", null)
    .whereRef("certificate_incarnation", "=", "incarnation")
    .execute();
  return rows.map((row) => ({ pool: row.pool, state: stateOf(row) }));
}

function stateOf(row: {
  readonly certificate_refused: string | null;
  readonly certificate_settled: 0 | 1;
  readonly certificate_id: string | null;
}): string {
  if (row.certificate_refused !== null) return "refused";
  if (row.certificate_settled === 0) return "waiting";
  return row.certificate_id === null ? "plain" : "serving";
}
