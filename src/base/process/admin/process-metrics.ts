import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Meters, MetricTable } from "./meters.ts";

/** What every process tells of itself. */
export const PROCESS_METRICS = {
  porthole_build_info: {
    type: "gauge",
    help: "Always 1; its labels say which version runs in which role.",
    labels: ["role", "version"],
  },
  process_start_time_seconds: {
    type: "gauge",
    help: "When the process started, in seconds since 1970.",
    labels: [],
  },
  process_cpu_seconds_total: {
    type: "counter",
    help: "Processor time that the process has used, in seconds.",
    labels: [],
  },
  process_resident_memory_bytes: {
    type: "gauge",
    help: "Memory of the process that is in RAM.",
    labels: [],
  },
  porthole_event_loop_lag_seconds: {
    type: "gauge",
    help: "How late the event loop was since the last reading: at the median, at the 99th percentile, and at its worst (quantile 1).",
    labels: ["quantile"],
  },
} as const satisfies MetricTable;

const RESOLUTION_MS = 20;
const QUANTILES = [0.5, 0.99, 1] as const;

/** Watches the process from here on, for whoever reads the meters. */
export function watchProcess(
  meters: Meters<keyof typeof PROCESS_METRICS>,
  { role, version }: { readonly role: string; readonly version: string },
): Disposable {
  const lag = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  lag.enable();
  meters.onRead((set) => {
    const { user, system } = process.cpuUsage();
    set("porthole_build_info", 1, { role, version });
    set("process_start_time_seconds", performance.timeOrigin / 1000);
    set("process_cpu_seconds_total", (user + system) / 1e6);
    set("process_resident_memory_bytes", process.memoryUsage.rss());
    for (const quantile of QUANTILES)
      set("porthole_event_loop_lag_seconds", lagAt(lag, quantile), { quantile: String(quantile) });
    lag.reset();
  });
  return { [Symbol.dispose]: () => void lag.disable() };
}

/** What is measured is the time from one look to the next, which are a resolution apart at best. */
function lagAt(lag: ReturnType<typeof monitorEventLoopDelay>, quantile: number): number {
  if (lag.count === 0) return 0;
  const nanoseconds = quantile === 1 ? lag.max : lag.percentile(quantile * 100);
  return Math.max(0, nanoseconds / 1e9 - RESOLUTION_MS / 1000);
}
