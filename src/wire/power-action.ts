/** `stop` asks the guest, and `cut` does not; so do `restart` and `reset`. By itself, because viewers need no more of machines. */
export const POWER_ACTIONS = ["start", "stop", "cut", "restart", "reset"] as const;
export type PowerAction = (typeof POWER_ACTIONS)[number];
