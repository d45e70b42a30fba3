import type { Clock } from "#base/clock.ts";
import type { Log } from "#base/process/log.ts";
import { productVersion } from "#base/process/version.ts";
import type { CommandPlace } from "#hypervisors/command/place.ts";
import { manualDriver } from "#hypervisors/manual/driver.ts";
import { createAccounts } from "./accounts/accounts.ts";
import { createAcme } from "./acme/acme.ts";
import { createWantedNames, type ReadWantedNames } from "./acme/names.ts";
import { Audit } from "./audit/audit.ts";
import { createAuditLog } from "./audit/audit-list.ts";
import { guardServices } from "./audit/guard.ts";
import { guardIdentification, guardJoin, guardRegistry } from "./audit/guard-link.ts";
import { createCertificates } from "./certificates/certificates.ts";
import type { IssuedCertificates } from "./certificates/issued.ts";
import type { Cluster } from "./cluster/cluster.ts";
import { createConsoles } from "./consoles/consoles.ts";
import { createConsoleOutputs, createOutputQuestions } from "./consoles/outputs.ts";
import { createReopen } from "./consoles/reopen.ts";
import { createStanding } from "./consoles/standing.ts";
import { createTicketIssue } from "./consoles/ticket-issue.ts";
import { createDefaultCertificates } from "./fleet/default-certificate.ts";
import { createDraining, type Draining } from "./fleet/draining.ts";
import { createHearing } from "./fleet/heard.ts";
import { createJoin, type Pods } from "./fleet/join.ts";
import { createNodeJobs } from "./fleet/node-jobs.ts";
import { createNodeOrders } from "./fleet/node-orders.ts";
import { createNodeSettings } from "./fleet/node-settings.ts";
import { createNodes } from "./fleet/nodes.ts";
import { createPublicIpRanges } from "./fleet/public-ip-ranges.ts";
import { createRegistry } from "./fleet/registry.ts";
import { createRenewal } from "./fleet/renewal.ts";
import { createSeats } from "./fleet/seats.ts";
import { DriverPool } from "./hypervisors/driver-pool.ts";
import { createExplaining } from "./hypervisors/explaining.ts";
import { createHypervisors } from "./hypervisors/hypervisors.ts";
import { createInventory, type Inventory } from "./hypervisors/inventory.ts";
import { createLeases, type Leases } from "./hypervisors/leases.ts";
import { createPooledDriver } from "./hypervisors/pooled-driver.ts";
import { createWhereabouts } from "./hypervisors/whereabouts.ts";
import type { Installation } from "./installation.ts";
import { createAdmission } from "./keystone/admission.ts";
import { createKeystone } from "./keystone/keystone.ts";
import { KeystoneTokens } from "./keystone/tokens.ts";
import { createCertificateErrand, type ServingFor } from "./link/errands/certificate.ts";
import { createConsoleOutputErrand } from "./link/errands/console-output.ts";
import { createDrainErrand, createLeaveErrand } from "./link/errands/draining.ts";
import { createEndSessionsErrand } from "./link/errands/end-sessions.ts";
import { createGrantsErrand } from "./link/errands/grants.ts";
import { createKeysErrand } from "./link/errands/keys.ts";
import { createSelfCheckErrand } from "./link/errands/self-check.ts";
import { createNodeIdentification } from "./link/node-identity.ts";
import type { LinkParts } from "./link/server.ts";
import { type Drivers, GUARDED_DRIVER, HYPERVISOR_DRIVER, MANUAL_DRIVER } from "./machines/driver-machine.ts";
import { createMachines } from "./machines/machines.ts";
import { createPacing, type Pacing } from "./machines/pacing.ts";
import { type Challenges, createChallenges } from "./names/challenges.ts";
import { createNames } from "./names/names.ts";
import { createZoneReading, type ReadZones } from "./names/zone-reading.ts";
import {
  type Observing,
  observeConsoles,
  observeKeystone,
  observeRedeem,
  observeRedeemNova,
  observeReopen,
} from "./observe/observing.ts";
import type { NovaBehind } from "./openstack/config.ts";
import { createProjects } from "./projects/projects.ts";
import { createNodeChecks } from "./self-check/node-checks.ts";
import { createSelfChecks } from "./self-check/self-check.ts";
import { createSelfCheckTokens } from "./self-check/token.ts";
import type { Services } from "./services.ts";
import { type CloseSessions, createClosing, createClosings } from "./sessions/closing.ts";
import { createSessionPower } from "./sessions/power.ts";
import { createReports } from "./sessions/reports.ts";
import { createSessions } from "./sessions/sessions.ts";
import { createSettings, type SettingValues } from "./settings/settings.ts";
import type { Store } from "./store/store.ts";
import { createGrants, createReopenCredentials } from "./tickets/grants.ts";
import { createKeyGenerations } from "./tickets/key-generations.ts";
import { createKeyRotation } from "./tickets/key-rotation.ts";
import { createNodeKeys } from "./tickets/node-keys.ts";
import { createNodeRefusals } from "./tickets/node-refusals.ts";
import { createNovaRedemption } from "./tickets/nova-redemption.ts";
import { createOfflineGrants } from "./tickets/offline-grants.ts";
import { createOfflineRedemption } from "./tickets/offline-redemption.ts";
import { createRedemption } from "./tickets/redemption.ts";
import { createTickets } from "./tickets/tickets.ts";
import { createUpstreamClaims } from "./tickets/upstream-claims.ts";

/**
 * Makes everything that control consists of, out of an opened installation: what its APIs use, its link, and the
 * settings in force.
 */
export async function compose({
  store,
  cluster,
  installation,
  publicOrigin,
  ports = () => [],
  pods,
  nameServerAddresses = [],
  commandDrivers = { directory: undefined, env: {} },
  servingFor,
  novaBehind,
  clock,
  log,
  observing = {},
}: {
  readonly store: Store;
  readonly cluster: Cluster;
  readonly installation: Installation;
  /** Control's own origin, as browsers know it. Asked for when it is needed: it is known once control listens. */
  readonly publicOrigin: () => string;
  /** Where control listens, known as its origin is. */
  readonly ports?: () => readonly number[];
  /** In Kubernetes, where pods may join by themselves. */
  readonly pods?: Pods | undefined;
  /** Where this replica answers for the domain of the consoles. */
  readonly nameServerAddresses?: readonly string[];
  /** Where hypervisors of the platform `command` are asked. */
  readonly commandDrivers?: Omit<CommandPlace, "onComplaint">;
  /** In place of the certificates that were uploaded for pools. */
  readonly servingFor?: ServingFor;
  /** The Nova that this installation stands in front of. */
  readonly novaBehind?: NovaBehind | undefined;
  readonly clock: Clock;
  readonly log: Log;
  readonly observing?: Observing;
}): Promise<{
  readonly services: Services;
  readonly link: LinkParts;
  readonly values: SettingValues;
  readonly audit: Audit;
  readonly closeSessions: CloseSessions;
  /** For whoever scales the fleet. */
  readonly draining: Draining;
  /** The certificates that were uploaded for pools, with their keys. */
  readonly servingFor: ServingFor;
  readonly readZones: ReadZones;
  readonly challenges: Challenges;
  /** For whoever keeps certificates renewed. */
  readonly issued: IssuedCertificates;
  readonly wantedNames: ReadWantedNames;
  /** Whoever composed it closes it. */
  readonly driverPool: DriverPool;
  /** For whoever sweeps. */
  readonly leases: Leases;
  /** And stops this, before the link. */
  readonly pacing: Pick<Pacing, "stop">;
  /** For whoever follows hypervisors. */
  readonly inventory: Inventory;
  /** Whoever composed it closes it. */
  readonly keystoneTokens: Disposable;
}> {
  const { id: installationId, key, vault, authority } = installation;
  const audit = new Audit({ store, clock, log });
  const closeSessions = createClosing({ store, audit }, cluster);
  const draining = createDraining({ store, cluster, audit, closeSessions });
  const { tracing } = observing;
  const commands: CommandPlace = {
    ...commandDrivers,
    onComplaint: (complaint) => log.warn(complaint, "A command of a hypervisor complains"),
  };
  const driverPool = new DriverPool({ store, vault, commands }, cluster);
  const inventory = createInventory({ store, audit, closeSessions, clock });
  const drivers: Drivers = new Map([
    [MANUAL_DRIVER, manualDriver],
    [GUARDED_DRIVER, manualDriver],
    [HYPERVISOR_DRIVER, createPooledDriver(driverPool, { store, vault, inventory })],
  ]);
  const base = {
    store,
    cluster,
    audit,
    tracing,
    closeSessions,
    draining,
    clock,
    log,
    vault,
    drivers,
    driverPool,
    whereIs: createWhereabouts({ store, driverPool, inventory }),
    publicOrigin,
  };
  const { settings, values, changes } = await createSettings({ store, audit, cluster, log });
  const generations = await createKeyGenerations({ ...base, key, installationId });
  const nodeKeys = createNodeKeys(generations);
  const chooseSeat = createSeats({ ...base, values });
  const issueTicket = createTicketIssue({ ...base, values, chooseSeat, nodeKeys });
  const judgeStanding = createStanding(store);
  const leases = createLeases({
    ...base,
    release: async (id, lease) =>
      await driverPool.ask(id, async (driver, signal) => await driver.release?.(lease, signal)),
  });
  const granting = {
    makeGrant: createGrants({ ...base, leases, judgeStanding, claimUpstream: createUpstreamClaims(base) }),
    reopenOf: createReopenCredentials(key, installationId),
  };
  const pacing = createPacing(store);
  const settingsFor = createNodeSettings({ ...base, values, ports, novaBehind });
  const orders = createNodeOrders({ ...base, values });
  const checking = { checks: createNodeChecks(base), token: createSelfCheckTokens(key, installationId) };
  const certifying = createCertificates({ ...base, changes, values });
  const { certificates, servingFor: uploadedFor, issued } = certifying;
  const wantedNames = createWantedNames({ store, values });
  const admit = createAdmission(base);
  const keystoneTokens = new KeystoneTokens({ ...base, values, admit, onAnswer: observeKeystone(observing) });
  const readZones = createZoneReading({ ...base, values, ownAddresses: nameServerAddresses });

  return {
    audit,
    closeSessions,
    draining,
    driverPool,
    leases,
    pacing,
    inventory,
    keystoneTokens,
    servingFor: uploadedFor,
    readZones,
    challenges: createChallenges(base),
    issued,
    wantedNames,
    services: guardServices(
      {
        accounts: createAccounts({ ...base, values }),
        keystone: { ...createKeystone(base), callerOf: keystoneTokens.callerOf },
        projects: createProjects(base),
        machines: createMachines(base),
        hypervisors: createHypervisors({ ...base, values, commands }),
        consoles: observeConsoles(createConsoles({ ...base, values, issueTicket }), observing),
        consoleOutputs: createConsoleOutputs(base),
        tickets: createTickets({ ...base, nodeKeys, judgeStanding }),
        sessions: createSessions(base),
        settings,
        nodes: createNodes({ ...base, values, orders, authority: authority.certificate }),
        nodeJobs: createNodeJobs({ ...base, values, orders }),
        publicIpRanges: createPublicIpRanges(base),
        certificates,
        acme: createAcme({ ...base, values, issued, wantedNames }),
        ticketKeys: createKeyRotation({ ...base, generations }),
        names: createNames(readZones),
        selfChecks: createSelfChecks({ ...base, ...checking, values, version: productVersion() }),
        audit: createAuditLog(base),
      },
      audit,
    ),
    link: {
      identifyNode: guardIdentification(createNodeIdentification(store, { installationId, clock }), audit),
      join: guardJoin(createJoin({ ...base, authority, installationId, pods }), audit),
      renewal: createRenewal({ ...base, authority, installationId }),
      registry: guardRegistry(createRegistry({ ...base, nodeKeys, settingsFor, values }), audit),
      redeem: observeRedeem(createRedemption({ ...base, ...granting, pacing }), observing),
      redeemNova: observeRedeemNova(createNovaRedemption({ ...base, values, novaBehind }), observing),
      reopen: observeReopen(createReopen({ ...base, values, judgeStanding, issueTicket }), observing),
      powerOf: createSessionPower({ ...base, judgeStanding }),
      takeReports: createReports({
        ...base,
        takeOffline: createOfflineRedemption({ ...base, judgeStanding }),
        noteHeard: createHearing(store, values),
      }),
      noteRefusals: createNodeRefusals(base),
      explain: createExplaining({ ...base, inventory }),
      ...checking,
      errands: [
        createDrainErrand(base),
        createCertificateErrand({
          ...base,
          values,
          servingFor: servingFor ?? uploadedFor,
          defaults: createDefaultCertificates(authority, clock),
        }),
        createEndSessionsErrand(createClosings(base), log),
        createKeysErrand({ ...base, nodeKeys }),
        createGrantsErrand(createOfflineGrants({ ...base, ...granting }), log),
        createLeaveErrand(base),
        createSelfCheckErrand({ ...base, ...checking }),
        createConsoleOutputErrand({ store, questions: createOutputQuestions(base) }),
      ],
      cluster,
      log,
    },
    values,
  };
}
