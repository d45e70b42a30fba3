import type { SettingValues } from "../settings/settings.ts";

/**
 * Intervals without a report after which a node counts as down: two reports are missed, and the last of them is not just
 * late. With the sweep that looks for such nodes (../sweeps.ts), a death is noticed within three.
 */
const SILENT_INTERVALS = 2.5;

/** A node that was silent for longer, in milliseconds, is down: nothing new is given to it. */
export function silenceMs(values: SettingValues): number {
  return SILENT_INTERVALS * values.value("consoleproxy.loadscan.interval");
}
