import type { Command } from "../command.ts";

/**
 * What libcloud asks for before it lists machines: their addresses and forwardings. Porthole keeps none of these, so
 * their lists are empty.
 */
export const EMPTY_LISTS: readonly Command[] = [
  "listPublicIpAddresses",
  "listPortForwardingRules",
  "listIpForwardingRules",
].map((name) => ({ name, access: "everybody", changesState: false, run: async () => ({}) }));
