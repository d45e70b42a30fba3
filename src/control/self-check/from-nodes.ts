import type { Clock } from "#base/clock.ts";
import type { Log } from "#base/process/log.ts";
import type { Seen, SelfCheck } from "#wire/self-check.ts";
import type { Drivers } from "../machines/driver-machine.ts";
import type { SettingValues } from "../settings/settings.ts";
import type { Store } from "../store/store.ts";
import { type CheckedNode, checkedNodes } from "./checked-nodes.ts";
import { type NodeChecks, unaskedLine } from "./node-checks.ts";
import { type Screens, screensOf } from "./screens.ts";
import type { SelfCheckToken } from "./token.ts";
import { entrancesOf, told } from "./told.ts";

const limits = {
  /** For nodes: more than they are waited for. */
  totalMs: 25_000,
} as const;

export interface NodesParts {
  readonly store: Store;
  readonly values: SettingValues;
  readonly clock: Clock;
  readonly publicOrigin: () => string;
  readonly checks: NodeChecks;
  readonly token: SelfCheckToken;
  readonly drivers: Drivers;
  readonly log: Log;
}

/** Has nodes look at themselves and at hypervisors, and waits for what they found. */
export async function lookFromNodes(
  parts: NodesParts,
  { nodeId, account }: { readonly nodeId?: string | undefined; readonly account: string },
): Promise<SelfCheck> {
  const { clock, publicOrigin, checks, token, log } = parts;
  const { nodes } = await checkedNodes(parts, { now: clock.now(), nodeId });
  const up = nodes.filter(({ state }) => state === "up");
  const pools = new Map(
    await Promise.all(
      [...new Set(up.map((node) => node.pool))].map(
        async (pool): Promise<[string, Screens]> => [pool, await screensOf(parts, pool)],
      ),
    ),
  );
  log.info({ nodes: up.length, account }, "Nodes are asked to look at themselves");
  const answers = await checks.ask(
    up.map((node) => ({ node, screens: pools.get(node.pool)?.screens ?? [] })),
    AbortSignal.timeout(limits.totalMs),
  );
  const lines = nodes.flatMap((node): readonly Seen[] => {
    if (node.state !== "up") return [unaskedLine(node, "skipped_node_away")];
    const found = answers.get(node.id)?.lines?.filter(isOfNode) ?? [];
    return found.length === 0 ? [unaskedLine(node, "check_silent")] : found.map((line) => ofNode(line, node));
  });
  const unseen = [...pools.values()].flatMap(({ remarks }) => remarks);
  const withToken = (entrance: SelfCheck["entrances"][number]) => {
    const answer = answers.get(entrance.nodeId);
    return answer?.lines === undefined ? entrance : { ...entrance, token: token(answer.askedAt) };
  };
  return told({
    lines: [...lines, ...unseen],
    entrances: entrancesOf(nodes, new Map()).map(withToken),
    origin: publicOrigin(),
    now: clock.now(),
  });
}

/** What control sees, and what clients see, is not for a node to say. */
function isOfNode({ check }: Seen): boolean {
  return check.startsWith("node.");
}

function ofNode({ subject, ...line }: Seen, { id: nodeId, own }: CheckedNode): Seen {
  const shown = subject ?? own?.pageOrigin;
  return { ...line, nodeId, ...(shown === undefined ? {} : { subject: shown }) };
}
