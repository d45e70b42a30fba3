import { type Admin, type Check, openAdmin } from "#base/process/admin/admin-server.ts";
import { loadMeters } from "#base/process/admin/meters.ts";
import { PROCESS_METRICS, watchProcess } from "#base/process/admin/process-metrics.ts";
import type { Log } from "#base/process/log.ts";
import { startTracing } from "#base/process/tracing/tracing.ts";
import { productVersion } from "#base/process/version.ts";
import type { ControlConfig } from "../config.ts";
import type { Store } from "../store/store.ts";
import type { Observing } from "./observing.ts";
import { CONTROL_METRICS } from "./table.ts";

interface Readiness {
  database: Check;
  /** Its listeners are open. */
  ready(): void;
  stopping(): void;
}

interface Observed {
  readonly observing: Observing;
  readonly readiness: Readiness;
  readonly admin: Admin | undefined;
  readonly stop: () => Promise<void>;
}

/**
 * Opens what control is watched by, as far as it is configured; before anything else listens, so that a start that takes
 * long is seen to live and not to be ready. Throws a ConfigError.
 */
export async function observeControl(
  { adminListen, adminNames, otlpEndpoint }: ControlConfig,
  log: Log,
): Promise<Observed> {
  await using opened = new AsyncDisposableStack();
  const version = productVersion();
  const tracing =
    otlpEndpoint === null
      ? undefined
      : await startTracing({ endpoint: otlpEndpoint, role: "control", version, log });
  if (tracing !== undefined) opened.defer(async () => await tracing.stop());

  let state = "it starts";
  const readiness: Readiness = {
    database: () => "it is not open",
    ready() {
      state = "";
    },
    stopping() {
      state = "it stops";
    },
  };
  if (adminListen === null)
    return { observing: { tracing }, readiness, admin: undefined, stop: stopOf(opened.move()) };

  const meters = await loadMeters({ ...PROCESS_METRICS, ...CONTROL_METRICS });
  opened.use(watchProcess(meters, { role: "control", version }));
  const admin = opened.use(
    await openAdmin({
      listen: adminListen,
      names: adminNames,
      metrics: async () => await meters.read(),
      checks: {
        listeners: () => (state === "" ? undefined : state),
        database: async () => await readiness.database(),
      },
    }),
  );
  return { observing: { tracing, meters }, readiness, admin, stop: stopOf(opened.move()) };
}

/**
 * What is wrong with the database, if something is. It is asked for a change, of nothing: a server that another has taken
 * the place of answers questions still, and takes no changes, of which all that control does consists.
 */
export async function databaseProblem({ db }: Store): Promise<string | undefined> {
  try {
    await db.updateTable("settings").set({ value: "" }).where("name", "=", "").execute();
    return undefined;
  } catch {
    return "it does not answer, or takes nothing";
  }
}

function stopOf(opened: AsyncDisposableStack): () => Promise<void> {
  return async () => await opened.disposeAsync();
}
