import { GatewayError } from "#wire/gateway-error.ts";
import { selfCheckLimits } from "#wire/self-check.ts";
import { ENTRANCE_COLUMNS, entranceOf } from "../fleet/entrance.ts";
import { type Entrance, publicNames } from "../fleet/public-names.ts";
import { silenceMs } from "../fleet/up.ts";
import type { SettingValues } from "../settings/settings.ts";
import type { Store } from "../store/store.ts";

const limits = {
  /** Nodes that are not up, of those that are looked at: the others are to have their turn. */
  away: 5,
} as const;

export interface CheckedNode {
  readonly id: string;
  readonly pool: string;
  readonly version: string;
  readonly seenAt: number;
  readonly state: "up" | "down" | "never" | "stopped" | "revoked";
  readonly isDraining: boolean;
  readonly incarnation: string | null;
  /** Where browsers find it, by name; `undefined` for one that never said where it is. */
  readonly entrance: Entrance | undefined;
  /** The same by what it knows of itself. */
  readonly own: Entrance | undefined;
  /** What it has said that it serves. */
  readonly certificate: { readonly id: string; readonly notAfter: number } | undefined;
  readonly certificateProblem: string | undefined;
}

/** The nodes that one run looks at, and how many it leaves out: those first that are not as they should be. */
export async function checkedNodes(
  { store, values }: { readonly store: Store; readonly values: SettingValues },
  { now, nodeId }: { readonly now: number; readonly nodeId?: string | undefined },
): Promise<{ readonly nodes: readonly CheckedNode[]; readonly leftOut: number }> {
  let query = store.db
    .selectFrom("nodes")
    .select(ENTRANCE_COLUMNS)
    .select(["id", "pool", "version", "seen_at", "revoked_at", "draining_at"])
    .select(["certificate_not_after", "certificate_problem"])
    .orderBy("created_at")
    .orderBy("id");
  if (nodeId !== undefined) query = query.where("id", "=", nodeId);
  const rows = await query.execute();
  if (nodeId !== undefined && rows.length === 0) throw new GatewayError("not_found", { detail: "node" });
  const domain = values.value("consoleproxy.url.domain");
  const downBefore = now - silenceMs(values);

  const all = rows.map((row): CheckedNode => {
    const isOfThisStart = row.incarnation !== null && row.certificate_incarnation === row.incarnation;
    const { certificate_id: id, certificate_not_after: notAfter } = row;
    const own = row.page_origin === "" ? undefined : entranceOf(row);
    return {
      id: row.id,
      pool: row.pool,
      version: row.version,
      seenAt: row.seen_at,
      state: stateOf(row, downBefore),
      isDraining: row.draining_at !== null,
      incarnation: row.incarnation,
      entrance: own === undefined ? undefined : publicNames(own, domain),
      own,
      certificate: isOfThisStart && id !== null && notAfter !== null ? { id, notAfter } : undefined,
      certificateProblem: isOfThisStart ? (row.certificate_problem ?? undefined) : undefined,
    };
  });
  const away = all.filter(({ state }) => state !== "up").slice(0, limits.away);
  const up = all
    .filter(({ state }) => state === "up")
    .toSorted((a, b) => Number(isInTrouble(b)) - Number(isInTrouble(a)));
  const nodes = [...away, ...up].slice(0, selfCheckLimits.nodes);
  return { nodes, leftOut: all.length - nodes.length };
}

function isInTrouble({ certificateProblem }: CheckedNode): boolean {
  return certificateProblem !== undefined;
}

interface StateRow {
  readonly revoked_at: number | null;
  readonly incarnation: string | null;
  readonly page_origin: string;
  readonly seen_at: number;
}

function stateOf(row: StateRow, downBefore: number): CheckedNode["state"] {
  if (row.revoked_at !== null) return "revoked";
  if (row.incarnation === null) return row.page_origin === "" ? "never" : "stopped";
  return row.seen_at > downBefore ? "up" : "down";
}
