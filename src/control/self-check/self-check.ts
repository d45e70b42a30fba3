import { GatewayError } from "#wire/gateway-error.ts";
import { requireAdministrator } from "../rights.ts";
import type { SelfChecks } from "../services.ts";
import { type ControlParts, lookFromControl } from "./from-control.ts";
import { lookFromNodes, type NodesParts } from "./from-nodes.ts";

const limits = {
  /** Runs at once of each side, at one replica: they wait for resolvers, or, longer, for nodes. */
  runs: 8,
} as const;

/** What consoles need, for administrators. Nothing is changed by it. */
export function createSelfChecks(parts: ControlParts & NodesParts): SelfChecks {
  const [fromControl, fromNodes] = [bounded(), bounded()];
  return {
    async control(caller, { node: nodeId } = {}) {
      requireAdministrator(caller);
      return await fromControl(async () => await lookFromControl(parts, { nodeId }));
    },

    async nodes(caller, { node: nodeId } = {}) {
      requireAdministrator(caller);
      return await fromNodes(async () => await lookFromNodes(parts, { nodeId, account: caller.name }));
    },
  };
}

function bounded() {
  let running = 0;
  return async <Found>(look: () => Promise<Found>): Promise<Found> => {
    if (running >= limits.runs) throw new GatewayError("rate_limited");
    running += 1;
    try {
      return await look();
    } finally {
      running -= 1;
    }
  };
}
