import { type Static, Type } from "typebox";
import { Incarnation } from "./link.ts";

export const outputLimits = {
  /** Of what a line has said, in UTF-8; of more it is the end. As much as Nova gives of a libvirt's log. */
  bytes: 100 * 1024,
} as const;

/** What has a machine's serial line said? */
export const OutputCommand = Type.Object({
  incarnation: Incarnation,
  machineId: Type.String({ maxLength: 64 }),
});
export type OutputCommand = Static<typeof OutputCommand>;

/** Lines, with LF between them: what scrolled off the screen, and the screen. Absent where the node does not have the line open. */
export const OutputAnswer = Type.Object({
  output: Type.Optional(Type.String({ maxLength: outputLimits.bytes })),
});
export type OutputAnswer = Static<typeof OutputAnswer>;
