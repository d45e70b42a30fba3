import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { createLog } from "#base/process/log.ts";
import { restartInPlace } from "#base/process/restart.ts";
import { aborted, type Role } from "#base/process/role.ts";
import { StartFailure } from "#base/process/start-failure.ts";
import { ERRORS } from "#wire/errors.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import { loadProxyConfig, type ProxyConfig } from "./config.ts";
import { pingingEvery } from "./deadlines.ts";
import { type RunningProxy, startProxy } from "./proxy.ts";
import { runWorkers } from "./workers/workers.ts";

const VIEWER_FOLDER = fileURLToPath(new URL("../../dist/web/viewer", import.meta.url));
const PACKAGE_FILE = new URL("../../package.json", import.meta.url);

/** `porthole proxy`: one node, until it is stopped or control ends it. */
export const main: Role = async ({ args, stop, stopNow }) => {
  const loaded = loadProxyConfig(args);
  if ("help" in loaded) {
    process.stdout.write(loaded.help);
    return 0;
  }
  try {
    if (loaded.config.workers > 1) {
      await runAll(loaded.config, args, { stop, stopNow });
      return 0;
    }
    return (await run(loaded.config, { stop, stopNow })) === "restart" ? restartInPlace() : 0;
  } catch (error) {
    if (stop.aborted) return 0;
    if (error instanceof StartFailure) {
      process.stderr.write(`porthole proxy: ${error.message}\n`);
      return 1;
    }
    if (!(error instanceof GatewayError)) throw error;
    const { meaning, remedy } = ERRORS[error.code];
    const detail = error.detail === undefined ? "" : ` (${error.detail})`;
    process.stderr.write(`porthole proxy: ${meaning}${detail} ${remedy}\n`);
    return 1;
  }
};

type StopSignals = Pick<Parameters<Role>[0], "stop" | "stopNow">;

/** Resolves to what is to become of the process. */
async function run(config: ProxyConfig, { stop, stopNow }: StopSignals): Promise<"restart" | "stop"> {
  await using proxy = await startProxy({
    config,
    log: createLog("proxy", config.logLevel),
    deadlines: pingingEvery(config.pingInterval * 1000),
    viewerFolder: VIEWER_FOLDER,
    version: readVersion(),
    signal: stop,
  });
  sayReady(config, proxy);
  const left = await Promise.race([aborted(stop), proxy.kept, proxy.left]);
  if (stop.aborted) await proxy.waitForSessions(config.drainTimeout * 1000, stopNow);
  return left ?? "stop";
}

async function runAll(config: ProxyConfig, args: readonly string[], signals: StopSignals): Promise<void> {
  await runWorkers(config, {
    args,
    ...signals,
    onReady: ([first, ...others]) => {
      if (first === undefined) return;
      const { id, node: pageOrigin, websocket: webSocketOrigin } = first;
      const all = [first, ...others];
      sayReady(config, {
        id,
        pageOrigin,
        webSocketOrigin,
        ids: all.map((worker) => worker.id),
        ...(config.adminListen === null ? {} : { admins: all.map((worker) => worker.admin ?? "") }),
      });
    },
  });
}

type Ready = Pick<RunningProxy, "id" | "pageOrigin" | "webSocketOrigin" | "admin"> & {
  readonly ids?: readonly string[];
  readonly admins?: readonly string[];
};

function sayReady({ json }: ProxyConfig, { id, ids, admin, admins, ...origins }: Ready): void {
  const { pageOrigin, webSocketOrigin } = origins;
  const ofAll = { ...(ids && { ids }), ...(admins && { admins }) };
  const line = { ready: true, id, ...ofAll, node: pageOrigin, websocket: webSocketOrigin, admin };
  if (json) process.stdout.write(`${JSON.stringify(line)}\n`);
  else process.stderr.write(`porthole proxy: ready at ${pageOrigin}\n`);
}

function readVersion(): string {
  const { version } = JSON.parse(readFileSync(PACKAGE_FILE, "utf8")) as { readonly version: string };
  return version;
}
