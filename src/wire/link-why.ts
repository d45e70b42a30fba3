/** What a node asks when an open console's upstream has closed by itself. */
import { type Static, Type } from "typebox";
import { Incarnation } from "./link.ts";

/** Asked only of sessions whose grant says `askWhy`, so no control is asked that does not know the call. */
export const WhyRequest = Type.Object({
  incarnation: Incarnation,
  sessionId: Type.String({ maxLength: 64 }),
  attachment: Type.Integer({ minimum: 1 }),
  /** For how long the node waits to be told, while its viewer does. */
  withinMs: Type.Integer({ minimum: 0, maximum: 60_000 }),
});
export type WhyRequest = Static<typeof WhyRequest>;

/** What the session is to end with, of the catalogue. Without `code` the machine is where it was, or nobody can say. */
export const WhyResponse = Type.Object({
  code: Type.Optional(Type.String({ maxLength: 64 })),
  detail: Type.Optional(Type.String()),
});
export type WhyResponse = Static<typeof WhyResponse>;
