import { GatewayError, toGatewayError } from "#wire/gateway-error.ts";
import type { PowerRequest } from "#wire/link-power.ts";
import type { Powered, PowerMessage } from "#wire/viewer.ts";

const limits = {
  /** Of a session at the same time: nobody gives two orders at once, and each costs control and the hypervisor a call. */
  underWay: 1,
} as const;

export type GiveOrder = (order: Omit<PowerRequest, "incarnation">) => Promise<void>;

interface Options {
  readonly session: Pick<PowerRequest, "sessionId" | "attachment">;
  /** Whether the grant has it that there may be some. */
  readonly areTaken: boolean;
  readonly give: GiveOrder;
  readonly tell: (powered: Powered) => void;
}

/** What one viewer has its machine's hypervisor asked for. */
export class Orders {
  readonly #options: Options;
  #underWay = 0;

  constructor(options: Options) {
    this.#options = options;
  }

  /** Never rejects: whatever becomes of it is told to the viewer. */
  async give({ id, action }: PowerMessage): Promise<void> {
    const { session, areTaken, give, tell } = this.#options;
    if (!areTaken) return tell(refused(id, new GatewayError("no_hypervisor")));
    if (this.#underWay >= limits.underWay) return tell(refused(id, new GatewayError("rate_limited")));
    this.#underWay += 1;
    try {
      await give({ ...session, action });
      tell({ type: "powered", id });
    } catch (error) {
      tell(refused(id, toGatewayError(error)));
    } finally {
      this.#underWay -= 1;
    }
  }
}

function refused(id: number, { code, detail }: GatewayError): Powered {
  return { type: "powered", id, error: { code, ...(detail === undefined ? {} : { detail }) } };
}
