/** What control says on the node link to take a node out of service. */
import { type Static, Type } from "typebox";
import { Incarnation } from "./link.ts";

/**
 * Control gives the node no new sessions from now on, or, with `draining` absent, does again. The node goes on with what it
 * has and admits whoever still comes with a ticket; it says that it is not ready, and tells viewers where it is to.
 */
export const DrainCommand = Type.Object({
  incarnation: Incarnation,
  draining: Type.Optional(
    Type.Object({
      /** What sessions that are left are ended with, of the catalogue. */
      code: Type.String({ maxLength: 64 }),
      /** When that is, milliseconds since 1970 by control's clock; absent: they are waited for. */
      deadline: Type.Optional(Type.Integer()),
      /** Whether viewers are to be told. */
      warn: Type.Boolean(),
    }),
  ),
});
export type DrainCommand = Static<typeof DrainCommand>;

/** The process is to end, for ever or to come back as a new start. It carries nothing by all that control knows. */
export const LeaveCommand = Type.Object({
  incarnation: Incarnation,
  how: Type.Union([Type.Literal("restart"), Type.Literal("stop")]),
  /** Even where consoles of other nodes pass through this one: their time is over, too. */
  cutsPassing: Type.Optional(Type.Boolean()),
});
export type LeaveCommand = Static<typeof LeaveCommand>;

/** Whether it does. It does not while it carries a session, or hands one on. */
export const LeaveAnswer = Type.Object({ leaves: Type.Boolean() });
export type LeaveAnswer = Static<typeof LeaveAnswer>;
