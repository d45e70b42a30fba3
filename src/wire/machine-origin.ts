import { Type } from "typebox";
import { POWER_ACTIONS } from "./power-action.ts";

/** Whether it runs: one that is paused has its consoles all the same. */
export const POWER_STATES = ["running", "paused", "stopped", "unknown"] as const;
export type PowerState = (typeof POWER_STATES)[number];

/** Of the guest's operating system, for keyboards and icons; where nobody told the platform it is not known. */
export const GUEST_FAMILIES = ["linux", "windows", "bsd", "macos", "other", "unknown"] as const;
export type GuestFamily = (typeof GUEST_FAMILIES)[number];

export const PowerOrder = Type.Object(
  {
    action: Type.Enum([...POWER_ACTIONS], {
      description: "`stop` and `restart` ask the guest, which may not heed it; `cut` and `reset` do not ask",
    }),
  },
  { additionalProperties: false },
);

/** Whether control hears from it. */
export const HYPERVISOR_STATES = ["up", "down"] as const;
export type HypervisorState = (typeof HYPERVISOR_STATES)[number];

/** What is told of a machine that comes from a hypervisor. The others have none of it. */
export const FROM_HYPERVISOR = {
  power: Type.Optional(Type.Enum([...POWER_STATES], { description: "As its hypervisor last said" })),
  hypervisorState: Type.Optional(
    Type.Enum([...HYPERVISOR_STATES], {
      description:
        "Whether control hears from its hypervisor now; down: `state` and `power` are as it last said. Absent until it is tried",
    }),
  ),
  takesOrders: Type.Optional(
    Type.Boolean({ description: "Whether its hypervisor can be asked for power actions" }),
  ),
  guest: Type.Optional(Type.Enum([...GUEST_FAMILIES], { description: "Of its operating system" })),
} as const;
