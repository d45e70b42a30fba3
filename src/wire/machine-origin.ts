import { Type } from "typebox";

/** Whether it runs: one that is paused has its consoles all the same. */
export const POWER_STATES = ["running", "paused", "stopped", "unknown"] as const;
export type PowerState = (typeof POWER_STATES)[number];

/** Of the guest's operating system, for keyboards and icons; where nobody told the platform it is not known. */
export const GUEST_FAMILIES = ["linux", "windows", "bsd", "macos", "other", "unknown"] as const;
export type GuestFamily = (typeof GUEST_FAMILIES)[number];

/** `stop` asks the guest, and `cut` does not; so do `restart` and `reset`. */
export const POWER_ACTIONS = ["start", "stop", "cut", "restart", "reset"] as const;
export type PowerAction = (typeof POWER_ACTIONS)[number];

export const PowerOrder = Type.Object(
  {
    action: Type.Enum([...POWER_ACTIONS], {
      description: "`stop` and `restart` ask the guest, which may not heed it; `cut` and `reset` do not ask",
    }),
  },
  { additionalProperties: false },
);

/** What is told of a machine that comes from a hypervisor. The others have none of it. */
export const FROM_HYPERVISOR = {
  power: Type.Optional(Type.Enum([...POWER_STATES], { description: "As its hypervisor last said" })),
  takesOrders: Type.Optional(
    Type.Boolean({ description: "Whether its hypervisor can be asked for power actions" }),
  ),
  guest: Type.Optional(Type.Enum([...GUEST_FAMILIES], { description: "Of its operating system" })),
} as const;
