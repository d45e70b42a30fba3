/** What is said on the node link of refusals: control's of a node, and a node's of those who come to it. */
import { type Static, Type } from "typebox";

/**
 * The detail of `node_refused` to a node that control has no row of any more. It is no code of its own, since nodes of
 * older versions have to stop like any that is refused.
 */
export const FORGOTTEN = "control does not know it any more";

/** In one question. */
export const refusalsPerRequest = 100;

/** Somebody came with a ticket of this node, and the node saw by itself that it opens nothing. */
const TicketRefusal = Type.Object({
  sessionId: Type.String({ maxLength: 64 }),
  /** Of the catalogue. */
  code: Type.String({ maxLength: 64 }),
  viewerAddress: Type.String({ maxLength: 64 }),
  /** Milliseconds since 1970, by control's clock as the node knows it. */
  at: Type.Integer(),
});
export type TicketRefusal = Static<typeof TicketRefusal>;

/** For the audit log. A control that is older does not know the call. */
export const RefusedRequest = Type.Object({
  refusals: Type.Array(TicketRefusal, { maxItems: refusalsPerRequest }),
});
export type RefusedRequest = Static<typeof RefusedRequest>;
