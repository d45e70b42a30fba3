import { existsSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { type Clock, systemClock } from "#base/clock.ts";
import { ConfigError, formatHostPort, type HostPort } from "#base/config.ts";
import type { Log } from "#base/process/log.ts";
import { productVersion } from "#base/process/version.ts";
import { isWildcard } from "#wire/address.ts";
import { keepCertificates } from "./acme/keeper.ts";
import { FailureLimit } from "./api/failure-limit.ts";
import { nobodysTokenOf } from "./api/nova/nobodys-token.ts";
import { createApiServer, createNovaServer } from "./api/server.ts";
import { type FirstKeys, openOrBootstrap } from "./bootstrap.ts";
import { createCertificatesInUse } from "./certificates/in-use.ts";
import { compose } from "./composition.ts";
import type { ControlConfig } from "./config.ts";
import { openDatabase } from "./database.ts";
import { startCapacity } from "./fleet/capacity/capacity.ts";
import type { JoinHints } from "./fleet/capacity/scan.ts";
import type { Pods } from "./fleet/join.ts";
import { closeLaunchers, createLaunchers, poolOfPod } from "./fleet/launchers/launchers.ts";
import { createTokenReview } from "./fleet/token-review.ts";
import { followHypervisors } from "./hypervisors/follow-all.ts";
import { startLink } from "./link/link.ts";
import { type Names, startNames } from "./names/name-service.ts";
import { watchCertificates } from "./observe/observe-certificates.ts";
import { databaseProblem, observeControl } from "./observe/observe-control.ts";
import { watchHypervisors } from "./observe/observe-hypervisors.ts";
import { watchControl } from "./observe/observing.ts";
import { readNovaBehind } from "./openstack/config.ts";
import { serve } from "./serve.ts";
import { startSweeps } from "./sweeps.ts";

export interface Control {
  /** Where it is watched, if it is. */
  readonly admin?: string;
  /** Where people and programs reach it. */
  readonly origin: string;
  /** Where nodes reach it. */
  readonly link: string;
  /** Where the Nova API has a port of its own, if it has. */
  readonly nova?: string;
  /** Where its name server answers. */
  readonly dns: readonly string[];
  /** Of a new database, where no bootstrap file took them. */
  readonly firstKeys?: FirstKeys;
  /** Takes no more requests, lets those that run finish, and closes the database. May be called twice. */
  stop(): Promise<void>;
}

/** Starts control. Throws a ConfigError for what an operator can mend, having closed what was opened. */
export async function startControl(
  config: ControlConfig,
  { log, clock: ownClock }: { readonly log: Log; readonly clock: Clock },
): Promise<Control> {
  await using opened = new AsyncDisposableStack();
  const novaBehind = readNovaBehind(config);
  const observed = await observeControl(config, log);
  opened.defer(observed.stop);
  const { observing, readiness } = observed;
  const { store, cluster, clock, close } = await openDatabase(config.database, { clock: ownClock, log });
  opened.defer(close);
  makeFolderOf(config.keyFile);
  const tellsKeys = config.json;
  const { installation, ...first } = await openOrBootstrap(store, { ...config, tellsKeys, clock, log });

  readiness.database = async () => await databaseProblem(store);

  // The port, so the origin, is known only once the APIs are served; both are asked for at each request.
  const origins: string[] = [];
  const publicOrigin = () => origins[0] ?? "";
  const ports = observed.admin === undefined ? [] : [Number(new URL(observed.admin.origin).port)];
  const composed = await compose({
    store,
    cluster,
    installation,
    publicOrigin,
    ports: () => ports,
    pods: podsOf(config, log),
    novaBehind,
    commandDrivers: { directory: config.commandDrivers ?? undefined, env: config.launchEnvironment },
    nameServerAddresses: config.dnsListen.map(({ host }) => host).filter((host) => !isWildcard(host)),
    clock,
    log,
    observing,
  });
  const { services, link: linkParts, values, audit, draining } = composed;
  opened.defer(async () => await composed.driverPool.close());
  opened.use(composed.keystoneTokens);
  const { trustedProxies } = config;
  const failures = new FailureLimit(systemClock);
  const serving = { services, values, log, trustedProxies, failures, tracing: observing.tracing };
  const app = createApiServer({ ...serving, origins, webRoot: webRoot(), version: productVersion() });
  const api = await serve(app, config.listen, "listen");
  opened.defer(async () => await api.close());
  const origin = config.publicUrl ?? new URL(`http://${formatHostPort(api.address)}`).origin;
  origins.push(origin);
  const nova = await serveNova(config, serving);
  opened.defer(nova.close);

  const { authority } = installation;
  const link = await startLink(linkParts, {
    listen: config.link,
    names: config.linkNames,
    authority,
    clock,
  });
  opened.defer(async () => await link.close());
  // First, since the link waits for what it has been asked.
  opened.defer(() => composed.pacing.stop());
  ports.push(api.address.port, link.address.port, ...nova.ports);
  const inUse = createCertificatesInUse(store, authority.certificate);
  if (observing.meters !== undefined) {
    watchControl(observing.meters, { store, audit, values, channels: link.channels });
    watchCertificates(observing.meters, { store, inUse });
    watchHypervisors(observing.meters, store);
  }
  opened.defer(async () => await audit.recordOmitted("now"));
  const dns = await serveNames(config.dnsListen, { ...composed, cluster, log, meters: observing.meters });
  opened.defer(dns.stop);
  ports.push(...dns.addresses.map(({ port }) => port));
  const sweeps = startSweeps({ ...composed, store, cluster, inUse, clock, log });
  opened.defer(async () => await sweeps.stop());

  const following = followHypervisors({ ...composed, store, cluster, log });
  opened.defer(async () => await following.stop());

  const { vault } = installation;
  const keeping = { ...composed, store, cluster, vault, clock, log, meters: observing.meters };
  const certificates = keepCertificates(keeping);
  opened.defer(async () => await certificates.stop());

  const linkOrigin = `https://${formatHostPort(reachable(link.address))}`;
  const launchers = createLaunchers(config, {
    installationId: installation.id,
    log,
    maximum: () => values.value("consoleproxy.launch.max"),
  });
  opened.defer(async () => await closeLaunchers(launchers));
  const capacity = startCapacity({
    ...{ store, audit, cluster, draining, values, clock, log, launchers },
    authority: authority.certificate,
    join: () => joinHints(config, linkOrigin),
    meters: observing.meters,
  });
  opened.defer(async () => await capacity.stop());

  const admin = observed.admin?.origin;
  readiness.ready();

  const running = opened.move();
  const stop = once(async () => {
    readiness.stopping();
    await running.disposeAsync();
  });
  return {
    origin,
    link: linkOrigin,
    dns: dns.addresses.map(formatHostPort),
    ...(nova.origin === undefined ? {} : { nova: nova.origin }),
    ...first,
    ...(admin === undefined ? {} : { admin }),
    stop,
  };
}

/** The Nova API where it is to have a port of its own. */
async function serveNova(
  { novaListen, novaPublicUrl, novaTokenFile }: ControlConfig,
  serving: Omit<Parameters<typeof createNovaServer>[0], "origins" | "nobodysToken">,
): Promise<{
  readonly origin?: string;
  readonly ports: readonly number[];
  readonly close: () => Promise<void>;
}> {
  if (novaListen === null) return { ports: [], async close() {} };
  const origins: string[] = [];
  const nobodysToken = novaTokenFile === null ? undefined : nobodysTokenOf(novaTokenFile, serving.log);
  if (nobodysToken !== undefined)
    serving.log.warn(
      { listen: formatHostPort(novaListen) },
      "Whoever reaches this port acts with the key of --nova-token-file",
    );
  const { address, close } = await serve(
    createNovaServer({ ...serving, origins, nobodysToken }),
    novaListen,
    "nova-listen",
  );
  const origin = novaPublicUrl ?? new URL(`http://${formatHostPort(reachable(address))}`).origin;
  origins.push(origin);
  return { origin, ports: [address.port], close };
}

async function serveNames(
  listen: readonly HostPort[],
  parts: Omit<Parameters<typeof startNames>[0], "listen">,
): Promise<Names> {
  if (listen.length === 0) return { addresses: [], async stop() {} };
  return await startNames({ listen, ...parts });
}

function podsOf(config: ControlConfig, log: Log): Pods | undefined {
  const { launchers, kubernetesServiceAccounts: serviceAccounts, kubernetesApi: api } = config;
  const { kubernetesAuthorityFile: authorityFile, kubernetesTokenFile: tokenFile } = config;
  if (serviceAccounts.length === 0) return undefined;
  const review = createTokenReview({ api, authorityFile, tokenFile, serviceAccounts, log });
  return { review, poolOf: (pod) => poolOfPod(launchers, pod) };
}

function joinHints(
  { launchLinks, launchListen, launchPublicAddress }: ControlConfig,
  ownLink: string,
): JoinHints {
  return {
    controls: launchLinks.length > 0 ? launchLinks : [ownLink],
    ...(launchListen === null ? {} : { listen: formatHostPort(launchListen) }),
    ...(launchPublicAddress === null ? {} : { publicAddress: launchPublicAddress }),
  };
}

function makeFolderOf(keyFile: string): void {
  try {
    mkdirSync(dirname(keyFile), { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw new ConfigError([`${keyFile}: ${cause instanceof Error ? cause.message : String(cause)}`]);
  }
}

/** Where one listens on every address, this machine's own is one that works. */
function reachable({ host, port }: HostPort): HostPort {
  if (!isWildcard(host)) return { host, port };
  return { host: host.includes(":") ? "::1" : "127.0.0.1", port };
}

/** The operator's pages, where Vite has built them. */
function webRoot(): string | undefined {
  const folder = fileURLToPath(new URL("../../dist/web/operator", import.meta.url));
  return existsSync(folder) ? folder : undefined;
}

/** Whoever asks again waits for the same end. */
function once(action: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  return async () => {
    running ??= action();
    await running;
  };
}
