import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { pino } from "pino";
import { aes256Gcm } from "#base/process/aes-256-gcm.ts";
import type { Log } from "#base/process/log.ts";
import type { Secret } from "#base/secret.ts";
import { createLook } from "#control/acme/keeper.ts";
import type { Audit } from "#control/audit/audit.ts";
import { type FirstKeys, openOrBootstrap } from "#control/bootstrap.ts";
import type { IssuedCertificates } from "#control/certificates/issued.ts";
import type { Cluster } from "#control/cluster/cluster.ts";
import { compose } from "#control/composition.ts";
import { createDrainSweep } from "#control/fleet/drain-sweep.ts";
import type { Draining } from "#control/fleet/draining.ts";
import type { DriverPool } from "#control/hypervisors/driver-pool.ts";
import type { Inventory } from "#control/hypervisors/inventory.ts";
import type { Leases } from "#control/hypervisors/leases.ts";
import type { Installation } from "#control/installation.ts";
import type { ServingFor } from "#control/link/errands/certificate.ts";
import type { LinkParts } from "#control/link/server.ts";
import type { NovaBehind } from "#control/openstack/config.ts";
import type { Caller, Services } from "#control/services.ts";
import type { SettingValues } from "#control/settings/settings.ts";
import type { Store } from "#control/store/store.ts";
import { createCertificateRequest } from "#tls/certificate-request.ts";
import type { Machine, NewMachine } from "#wire/api.ts";
import type { NodeSettings, RegisterRequest, WantedAddress } from "#wire/link.ts";
import type { TicketKey } from "#wire/ticket.ts";
import { scratch } from "./scratch.ts";
import { type TestClock, testClock } from "./test-clock.ts";
import { openReplicas, openTestDatabase } from "./test-database.ts";

/** A node that has joined and registered, without a process. */
export interface TestNode {
  readonly id: string;
  readonly incarnation: string;
  readonly certificate: string;
  readonly privateKey: string;
  readonly ticketKey: TicketKey & { readonly key: Uint8Array };
  readonly settings: NodeSettings;
}

/** Control without its listeners: the services, the link's functions, and the database. */
export interface TestControl extends OneControl, AsyncDisposable {}

/** One of those that share what ends with the test. */
export interface OneControl {
  readonly firstKeys: FirstKeys;
  readonly store: Store;
  readonly audit: Audit;
  readonly cluster: Cluster;
  readonly services: Services;
  readonly link: LinkParts;
  readonly values: SettingValues;
  /** Does at once what the replica that leads does every second. */
  readonly sweepDraining: () => Promise<void>;
  readonly draining: Draining;
  readonly servingFor: ServingFor;
  readonly issued: IssuedCertificates;
  readonly driverPool: DriverPool;
  readonly leases: Leases;
  readonly inventory: Inventory;
  readonly log: Log;
  /** Does at once what the replica that leads looks for every few seconds: renews by ACME. */
  readonly lookAfterCertificates: (signal?: AbortSignal) => Promise<void>;
  readonly installation: Installation;
  readonly clock: TestClock;
  readonly folder: string;
  /** A join token of many uses. */
  readonly joinToken: string;
  readonly admin: Caller;
  /** A new account with role member. */
  member(name: string, projects: readonly string[]): Promise<Caller>;
  machine(options?: Partial<NewMachine>): Promise<Machine>;
  node(options?: {
    readonly pageOrigin?: string;
    readonly secure?: NonNullable<RegisterRequest["secure"]>;
    readonly maximumSessions?: number;
    /** Unless it is said, test nodes mind nobody at their address. */
    readonly sharesAddress?: boolean;
    readonly forwardAddress?: string;
    readonly wantedAddress?: WantedAddress;
    readonly joinToken?: string;
  }): Promise<TestNode>;
}

export const PUBLIC_ORIGIN = "https://control.example.com";

export interface TestControlOptions {
  /** The certificates that pools have; none where it is absent. */
  readonly servingFor?: ServingFor;
  /** The Nova that it stands in front of. */
  readonly novaBehind?: NovaBehind;
  /** Where control's log goes; nowhere where it is absent. */
  readonly log?: Log;
}

export async function testControl(options: TestControlOptions = {}): Promise<TestControl> {
  await using opened = new AsyncDisposableStack();
  const parts = newParts(opened);
  const { store, cluster } = opened.use(await openTestDatabase(parts));
  const control = await controlOver({ ...parts, ...options, store, cluster, opened });
  const owned = opened.move();
  return { ...control, [Symbol.asyncDispose]: async () => await owned.disposeAsync() };
}

/** Several of them over one PostgreSQL, and one clock. */
export async function testReplicas(
  count: number,
): Promise<{ readonly replicas: readonly OneControl[]; readonly url: Secret } & AsyncDisposable> {
  await using opened = new AsyncDisposableStack();
  const parts = newParts(opened);
  const databases = opened.use(await openReplicas(count, parts));
  const replicas: OneControl[] = [];
  for (const database of databases.replicas)
    replicas.push(await controlOver({ ...parts, ...database, opened, firstKeys: replicas[0]?.firstKeys }));
  const owned = opened.move();
  const { url } = databases;
  return { replicas, url, [Symbol.asyncDispose]: async () => await owned.disposeAsync() };
}

interface Parts {
  readonly folder: string;
  readonly clock: TestClock;
  readonly log: Log;
}

function newParts(opened: AsyncDisposableStack): Parts {
  const { path: folder } = opened.use(scratch());
  return { folder, clock: testClock(), log: pino({ level: "silent" }) };
}

interface ControlParts extends Parts, Omit<TestControlOptions, "log"> {
  readonly store: Store;
  readonly cluster: Cluster;
  readonly opened: AsyncDisposableStack;
  /** Of the installation, where another replica has made it. */
  readonly firstKeys?: FirstKeys | undefined;
}

async function controlOver({
  store,
  cluster,
  folder,
  clock,
  log,
  servingFor,
  novaBehind,
  opened,
  ...made
}: ControlParts): Promise<OneControl> {
  const { installation, firstKeys = made.firstKeys } = await openOrBootstrap(store, {
    keyFile: join(folder, "porthole.key"),
    bootstrapFile: null,
    tellsKeys: true,
    upstreamAllow: "",
    clock,
    log,
  });
  if (firstKeys === undefined) throw new Error("the database was not empty");
  const publicOrigin = () => PUBLIC_ORIGIN;
  const composed = await compose({
    store,
    cluster,
    installation,
    publicOrigin,
    // There is none until a test makes it: test/harness/command-hypervisor.ts.
    commandDrivers: { directory: join(folder, "commands"), env: process.env },
    ...(servingFor === undefined ? {} : { servingFor }),
    novaBehind,
    clock,
    log,
  });
  const { services, link, values, audit, closeSessions, draining, driverPool } = composed;
  opened.defer(async () => await driverPool.close());
  opened.use(composed.keystoneTokens);
  opened.defer(() => composed.pacing.stop());
  const look = createLook({ ...composed, store, cluster, vault: installation.vault, clock, log });
  const caller = async (apiKey: string): Promise<Caller> => {
    const found = await services.accounts.byApiKey(apiKey, "192.0.2.1");
    if (found === undefined) throw new Error("there is no such API key");
    return found.caller;
  };
  const admin = await caller(firstKeys.apiKey);

  return {
    audit,
    firstKeys,
    store,
    cluster,
    services,
    link,
    values,
    sweepDraining: createDrainSweep({ store, cluster, audit, values, closeSessions, log }),
    draining,
    driverPool,
    leases: composed.leases,
    inventory: composed.inventory,
    log,
    servingFor: composed.servingFor,
    issued: composed.issued,
    lookAfterCertificates: async (signal = new AbortController().signal) => await look(signal),
    installation,
    clock,
    folder,
    admin,
    joinToken: firstKeys.joinToken,

    async member(name, projects) {
      const account = await services.accounts.add(admin, { name, role: "member", projects: [...projects] });
      const { apiKey } = await services.accounts.addApiKey(admin, account.id);
      return await caller(apiKey);
    },

    async machine(options = {}) {
      const name = `machine-${randomUUID()}`;
      return await services.machines.add(admin, {
        name,
        protocol: "rfb",
        address: "192.0.2.10:5900",
        ...options,
      });
    },

    async node({
      pageOrigin = "http://node.example.com:8080",
      sharesAddress = true,
      joinToken = firstKeys.joinToken,
      ...options
    } = {}) {
      // Nodes are taken in the order in which they came.
      clock.advance(1);
      const { request, privateKey } = await createCertificateRequest();
      const joined = await link.join({ joinToken, certificateRequest: request });
      const incarnation = randomUUID();
      const { ticketKey, settings } = await link.registry.register(joined.nodeId, {
        incarnation,
        version: "1.2.3",
        pageOrigin,
        webSocketOrigin: pageOrigin,
        sharesAddress,
        ...options,
      });
      const key = new Uint8Array(Buffer.from(ticketKey.key, "base64url"));
      return {
        id: joined.nodeId,
        incarnation,
        certificate: joined.certificate,
        privateKey,
        ticketKey: { kid: ticketKey.kid, key, aead: aes256Gcm(key) },
        settings,
      };
    },
  };
}
