import { type Admin, openAdmin } from "#base/process/admin/admin-server.ts";
import { loadMeters } from "#base/process/admin/meters.ts";
import { PROCESS_METRICS, watchProcess } from "#base/process/admin/process-metrics.ts";
import type { Log } from "#base/process/log.ts";
import { startTracing } from "#base/process/tracing/tracing.ts";
import type { ProxyConfig } from "../config.ts";
import type { Sessions } from "../console/sessions.ts";
import type { Draining } from "../draining.ts";
import type { NodeLink } from "../link/node-link.ts";
import type { NodeMeters, Observing } from "./observing.ts";
import { NODE_METRICS } from "./table.ts";

/** Heartbeats that control may leave unanswered before the node is of no use to it. */
const SILENT_INTERVALS = 3;

interface Observed extends AsyncDisposable {
  readonly observing: Observing;
  readonly admin: Admin | undefined;
  /** From here on there is something to look at. */
  watch(parts: Watched): void;
  /** It takes no more consoles. */
  stopping(): void;
}

interface Watched {
  readonly link: Pick<NodeLink, "health">;
  readonly sessions: Pick<Sessions, "counts" | "bytes">;
  readonly draining: Pick<Draining, "isDraining">;
}

/** Opens what the node is watched by, as far as it is configured. Throws a ConfigError. */
export async function observeNode(
  { adminListen, adminNames, otlpEndpoint }: ProxyConfig,
  { log, version }: { readonly log: Log; readonly version: string },
): Promise<Observed> {
  await using opened = new AsyncDisposableStack();
  const tracing =
    otlpEndpoint === null
      ? undefined
      : await startTracing({ endpoint: otlpEndpoint, role: "proxy", version, log });
  if (tracing !== undefined) opened.defer(async () => await tracing.stop());
  let watched: Watched | undefined;
  let isStopping = false;

  const meters = adminListen === null ? undefined : await loadMeters({ ...PROCESS_METRICS, ...NODE_METRICS });
  if (meters !== undefined) opened.use(watchProcess(meters, { role: "proxy", version }));
  const admin =
    adminListen === null || meters === undefined
      ? undefined
      : opened.use(
          await openAdmin({
            listen: adminListen,
            names: adminNames,
            metrics: async () => await meters.read(),
            checks: {
              listener: () => listenerProblem(watched, isStopping),
              control: () => linkProblem(watched?.link.health),
            },
          }),
        );
  const owned = opened.move();
  return {
    observing: { meters, tracing },
    admin,
    watch(parts) {
      watched = parts;
      if (meters !== undefined) watchNode(meters, parts, () => isStopping);
    },
    stopping() {
      isStopping = true;
    },
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}

function listenerProblem(watched: Watched | undefined, isStopping: boolean): string | undefined {
  if (isStopping) return "it stops";
  if (watched === undefined) return "it starts";
  return watched.draining.isDraining ? "it drains" : undefined;
}

function linkProblem(health: NodeLink["health"] | undefined): string | undefined {
  if (health?.silenceMs === undefined) return "it is not registered";
  const mostMs = SILENT_INTERVALS * health.intervalMs;
  return health.silenceMs > mostMs
    ? `it was not heard for ${Math.round(health.silenceMs / 1000)} s`
    : undefined;
}

function watchNode(
  meters: NodeMeters,
  { link, sessions, draining }: Watched,
  isStopping: () => boolean,
): void {
  meters.onRead((set) => {
    for (const { protocol, state, count } of sessions.counts())
      set("porthole_node_sessions", count, { protocol, state });
    const { toViewer, fromViewer } = sessions.bytes();
    set("porthole_node_bytes_total", toViewer, { direction: "to_viewer" });
    set("porthole_node_bytes_total", fromViewer, { direction: "from_viewer" });
    set("porthole_node_draining", draining.isDraining ? 1 : 0);
    set("porthole_node_stopping", isStopping() ? 1 : 0);
    const { isReachable, silenceMs, queuedReports, droppedReports, identityEndsAt } = link.health;
    set("porthole_node_link_up", isReachable ? 1 : 0);
    if (silenceMs !== undefined) set("porthole_node_link_silence_seconds", silenceMs / 1000);
    set("porthole_node_identity_end_time_seconds", identityEndsAt / 1000);
    set("porthole_node_reports_queue_length", queuedReports);
    set("porthole_node_reports_dropped_total", droppedReports);
  });
}
