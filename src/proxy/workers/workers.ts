import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";
import { ConfigError, formatHostPort, type HostPort } from "#base/config.ts";
import { createLog } from "#base/process/log.ts";
import { aborted } from "#base/process/role.ts";
import { listenAddresses, type ProxyConfig, workerEnvironment } from "../config.ts";
import { sessionCeiling } from "../session-ceiling.ts";
import { SharedSignIns } from "../sign-ins/workers-sign-ins.ts";
import { type BoundAddresses, tlsListenAddresses } from "../tls/addresses.ts";
import { Worker, type WorkerReady } from "./worker.ts";

/**
 * Runs several nodes behind one public address, each a process with an identity of its own: a node is one process, so about
 * one core. The system spreads connections over them, and they hand on to each other what came to the wrong one. One that
 * dies takes its own consoles with it and is started again. Resolves when all have stopped. Throws a StartFailure, with
 * none left, where one of them cannot be started in the first place.
 */
export async function runWorkers(
  config: ProxyConfig,
  {
    args,
    stop,
    stopNow,
    onReady,
  }: {
    /** What this process was called with. */
    readonly args: readonly string[];
    readonly stop: AbortSignal;
    /** No worker waits for its sessions any more. */
    readonly stopNow: AbortSignal;
    readonly onReady: (workers: readonly WorkerReady[]) => void;
  },
): Promise<void> {
  const log = createLog("proxy", config.logLevel);
  const failed = new AbortController();
  const over = AbortSignal.any([stop, failed.signal]);
  const shared = sharedArguments(await reserve(config));
  const signIns = new SharedSignIns();
  const workers = Array.from({ length: config.workers }, (_, index) => {
    const data = join(config.data, `worker-${index + 1}`);
    const most = sessionCeiling(config.maxSessions, { workers: config.workers });
    const own = [
      "--data",
      data,
      "--workers",
      "1",
      "--worker",
      "--reuse-port",
      "--max-sessions",
      String(most),
    ];
    // What comes later wins.
    const all = [...args, ...shared, ...own, ...adminArguments(config, index)];
    return new Worker({
      number: index + 1,
      args: all,
      env: workerEnvironment(),
      log,
      stop: over,
      stopNow,
      drainTimeoutMs: config.drainTimeout * 1000,
      signIns,
    });
  });
  try {
    onReady(await Promise.all(workers.map(async (worker) => await worker.start())));
    const kept = Promise.all(workers.map(async (worker) => await worker.keep()));
    await Promise.race([aborted(stop), kept]);
    await Promise.all(workers.map(async (worker) => await worker.stop()));
    await kept;
  } finally {
    failed.abort();
    await Promise.all(workers.map(async (worker) => await worker.stop()));
  }
}

/**
 * The addresses for all, with ports that are known. Sharing a port is no mistake to the system, so that of somebody
 * else would be shared as well, and nobody would see why half of the viewers go astray: it has to be free. Throws a
 * ConfigError.
 */
async function reserve(config: ProxyConfig): Promise<BoundAddresses> {
  const plain: HostPort[] = [];
  const tls: HostPort[] = [];
  const reserveOne = async (address: HostPort) =>
    config.reusePort && address.port !== 0 ? address : await free(address);
  for (const address of listenAddresses(config)) plain.push(await reserveOne(address));
  for (const address of tlsListenAddresses(config)) tls.push(await reserveOne(address));
  return { plain, tls };
}

async function free(address: HostPort): Promise<HostPort> {
  const server = createServer().listen(address);
  try {
    await once(server, "listening");
  } catch (error) {
    const reason = error instanceof Error && "code" in error ? String(error.code) : String(error);
    throw new ConfigError([`cannot listen on ${formatHostPort(address)}: ${reason}`]);
  }
  const bound = server.address();
  server.close();
  await once(server, "close");
  return bound === null || typeof bound === "string" ? address : { ...address, port: bound.port };
}

/** Each is watched at a port of its own: the one that was named, and those behind it. */
function adminArguments({ adminListen }: ProxyConfig, index: number): readonly string[] {
  if (adminListen === null) return [];
  const port = adminListen.port === 0 ? 0 : adminListen.port + index;
  return ["--admin-listen", formatHostPort({ ...adminListen, port })];
}

function sharedArguments({ plain, tls }: BoundAddresses): readonly string[] {
  return [
    ...flags(["--listen", "--websocket-listen"], plain),
    ...flags(["--tls-listen", "--tls-websocket-listen"], tls),
  ];
}

function flags(names: readonly string[], addresses: readonly HostPort[]): readonly string[] {
  return addresses.flatMap((address, index) => [names[index] ?? "", formatHostPort(address)]);
}
