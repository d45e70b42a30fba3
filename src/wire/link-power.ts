/** What is said on the node link of orders to hypervisors. */
import { type Static, Type } from "typebox";
import { Incarnation } from "./link.ts";
import { POWER_ACTIONS } from "./power-action.ts";

/**
 * A viewer's order to its machine's hypervisor, in a session whose grant has `takesOrders`. Answered when the hypervisor has taken it.
 * It is not asked again where the answer was lost: it may have been carried out.
 */
export const PowerRequest = Type.Object({
  incarnation: Incarnation,
  sessionId: Type.String({ maxLength: 64 }),
  attachment: Type.Integer({ minimum: 1 }),
  action: Type.Enum([...POWER_ACTIONS]),
});
export type PowerRequest = Static<typeof PowerRequest>;
