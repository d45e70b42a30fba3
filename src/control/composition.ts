import type { Clock } from "#base/clock.ts";
import type { Log } from "#base/process/log.ts";
import { manualDriver } from "#hypervisors/manual/driver.ts";
import { fingerprint } from "#tls/node-identity.ts";
import { createAccounts } from "./accounts/accounts.ts";
import type { Cluster } from "./cluster/cluster.ts";
import { createConsoles } from "./consoles/consoles.ts";
import { createReopen } from "./consoles/reopen.ts";
import { createStanding } from "./consoles/standing.ts";
import { createTicketIssue } from "./consoles/ticket-issue.ts";
import { createAssignment } from "./fleet/candidates.ts";
import { createJoin } from "./fleet/join.ts";
import { createNodeSettings } from "./fleet/node-settings.ts";
import { createNodes } from "./fleet/nodes.ts";
import { createRegistry } from "./fleet/registry.ts";
import type { Installation } from "./installation.ts";
import { createNodeIdentification } from "./link/node-identity.ts";
import type { LinkParts } from "./link/server.ts";
import { type Drivers, MANUAL_DRIVER } from "./machines/driver-machine.ts";
import { createMachines } from "./machines/machines.ts";
import { createProjects } from "./projects/projects.ts";
import type { Services } from "./services.ts";
import { createClosing, createClosings } from "./sessions/closing.ts";
import { createReports } from "./sessions/reports.ts";
import { createSessions } from "./sessions/sessions.ts";
import { createSettings, type SettingValues } from "./settings/settings.ts";
import type { Store } from "./store/store.ts";
import { createRedemption } from "./tickets/redemption.ts";
import { createTicketKeys } from "./tickets/ticket-keys.ts";

const DRIVERS: Drivers = new Map([[MANUAL_DRIVER, manualDriver]]);

/**
 * Makes everything that control consists of, out of an opened installation: what its APIs use, its link, and the
 * settings in force.
 */
export async function compose({
  store,
  cluster,
  installation,
  publicOrigin,
  clock,
  log,
}: {
  readonly store: Store;
  readonly cluster: Cluster;
  readonly installation: Installation;
  /** Control's own origin, as browsers know it. Asked for when it is needed: it is known once control listens. */
  readonly publicOrigin: () => string;
  readonly clock: Clock;
  readonly log: Log;
}): Promise<{ readonly services: Services; readonly link: LinkParts; readonly values: SettingValues }> {
  const { id: installationId, key, vault, authority } = installation;
  const closeSessions = createClosing(store, cluster);
  const base = { store, closeSessions, clock, log, vault, drivers: DRIVERS, publicOrigin };
  const { settings, values } = await createSettings({ store, cluster, log });
  const ticketKeys = createTicketKeys(key, installationId);
  const assignNode = createAssignment({ ...base, values });
  const issueTicket = createTicketIssue({ ...base, values, assignNode, ticketKeys });
  const judgeStanding = createStanding(store);
  const settingsFor = createNodeSettings({ ...base, values });

  return {
    services: {
      accounts: createAccounts(base),
      projects: createProjects(base),
      machines: createMachines(base),
      consoles: createConsoles({ ...base, values, issueTicket }),
      sessions: createSessions(base),
      settings,
      nodes: createNodes({ ...base, values, authorityFingerprint: fingerprint(authority.certificate) }),
    },
    link: {
      identifyNode: createNodeIdentification(store, { installationId, clock }),
      join: createJoin({ ...base, authority, installationId }),
      registry: createRegistry({ ...base, ticketKeys, settingsFor, values }),
      redeem: createRedemption({ ...base, judgeStanding }),
      reopen: createReopen({ ...base, values, judgeStanding, issueTicket }),
      takeReports: createReports(store),
      closings: createClosings(store),
      cluster,
      log,
    },
    values,
  };
}
