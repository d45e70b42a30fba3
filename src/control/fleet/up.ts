import type { SettingValues } from "../settings/settings.ts";

/** Reports that a node may miss before it counts as down. */
const MISSED_REPORTS = 3;

/** A node that was silent for longer, in milliseconds, is down: nothing new is given to it. */
export function silenceMs(values: SettingValues): number {
  return MISSED_REPORTS * values.value("consoleproxy.loadscan.interval");
}
