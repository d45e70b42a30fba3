import { spawnSync } from "node:child_process";
import type { StartContestant } from "./contestant.ts";
import { startBareRelay, startDirect, startFeatureless, startHaproxy, startWebsockify } from "./peers.ts";
import { startPorthole } from "./porthole.ts";

export const CONTESTANTS = {
  Porthole: startPorthole,
  websockify: startWebsockify,
  haproxy: startHaproxy,
  "bare relay": startBareRelay,
  featureless: startFeatureless,
  direct: startDirect,
} as const satisfies Record<string, StartContestant>;

export type Name = keyof typeof CONTESTANTS;

/** Those that are not our own programs, by the command that answers when they are installed. */
const INSTALLED: Partial<Record<Name, readonly [string, string]>> = {
  websockify: ["websockify", "--help"],
  haproxy: ["haproxy", "-v"],
};

export function isInstalled(name: Name): boolean {
  const [command, ...args] = INSTALLED[name] ?? [];
  return command === undefined || spawnSync(command, args).error === undefined;
}
