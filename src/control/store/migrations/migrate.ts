import type { Kysely } from "kysely";
import { type Migration, Migrator } from "kysely/migration";
import type { Schema } from "../schema.ts";
import { up as firstLight } from "./0001-first-light.ts";
import { up as thumbnails } from "./0002-thumbnails.ts";
import { up as webSessionKinds } from "./0003-web-session-kinds.ts";
import { up as consoleLists } from "./0004-console-lists.ts";
import { up as cheaperOpens } from "./0005-cheaper-opens.ts";
import { up as oldestVersion } from "./0006-oldest-version.ts";
import { up as endingsFromOutside } from "./0007-endings-from-outside.ts";
import { up as entrances } from "./0008-entrances.ts";
import { up as audit } from "./0009-audit.ts";
import { up as keysAndCertificates } from "./0010-keys-and-certificates.ts";
import { up as places } from "./0011-places.ts";
import { up as heardSince } from "./0012-heard-since.ts";
import { up as publicIpRanges } from "./0013-public-ip-ranges.ts";
import { up as draining } from "./0014-draining.ts";
import { up as launches } from "./0015-launches.ts";
import { up as failuresAndDrains } from "./0016-failures-and-drains.ts";
import { up as certificates } from "./0017-certificates.ts";
import { up as nodeTls } from "./0018-node-tls.ts";
import { up as dnsTexts } from "./0019-dns-texts.ts";
import { up as acme } from "./0020-acme.ts";
import { up as nodeChecks } from "./0021-node-checks.ts";
import { up as certificateDomain } from "./0023-certificate-domain.ts";
import { up as publicPath } from "./0024-public-path.ts";
import { up as upstreamSecurity } from "./0025-upstream-security.ts";
import { up as hypervisors } from "./0026-hypervisors.ts";
import { up as machinesOfHypervisors } from "./0027-machines-of-hypervisors.ts";
import { up as takingIn } from "./0028-taking-in.ts";
import { up as signInFailures } from "./0029-sign-in-failures.ts";
import { up as upstreamClaims } from "./0031-upstream-claims.ts";
import { up as machinesThatMove } from "./0032-machines-that-move.ts";
import { up as passwordsThatAreTried } from "./0033-passwords-that-are-tried.ts";
import { up as withheldMachines } from "./0034-withheld-machines.ts";
import { up as otherHostsAndSteps } from "./0036-other-hosts-and-steps.ts";
import { up as consoleLeases } from "./0040-console-leases.ts";
import { up as consolePorts } from "./0041-console-ports.ts";
import { up as identityTokens } from "./0044-identity-tokens.ts";
import { up as serialLines } from "./0046-serial-lines.ts";
import { up as consoleOutputs } from "./0050-console-outputs.ts";
import { up as keystone } from "./0051-keystone.ts";
import { up as novaTokens } from "./0052-nova-tokens.ts";
import { up as serialStreams } from "./0054-serial-streams.ts";
import { up as hypervisorPools } from "./0055-hypervisor-pools.ts";
import { up as auditIsNotEmptied } from "./0057-audit-is-not-emptied.ts";
import { standingOf } from "./compatibility.ts";

/**
 * In the order of their names. A migration that was released is never changed; later ones take away nothing that
 * the version before needs, so that it can still run while a cluster is updated.
 */
export const MIGRATIONS: Readonly<Record<string, Migration>> = {
  "0001-first-light": { up: firstLight },
  "0002-thumbnails": { up: thumbnails },
  "0003-web-session-kinds": { up: webSessionKinds },
  "0004-console-lists": { up: consoleLists },
  "0005-cheaper-opens": { up: cheaperOpens },
  "0006-oldest-version": { up: oldestVersion },
  "0007-endings-from-outside": { up: endingsFromOutside },
  "0008-entrances": { up: entrances },
  "0009-audit": { up: audit },
  "0010-keys-and-certificates": { up: keysAndCertificates },
  "0011-places": { up: places },
  "0012-heard-since": { up: heardSince },
  "0013-public-ip-ranges": { up: publicIpRanges },
  "0014-draining": { up: draining },
  "0015-launches": { up: launches },
  "0016-failures-and-drains": { up: failuresAndDrains },
  "0017-certificates": { up: certificates },
  "0018-node-tls": { up: nodeTls },
  "0019-dns-texts": { up: dnsTexts },
  "0020-acme": { up: acme },
  "0021-node-checks": { up: nodeChecks },
  "0023-certificate-domain": { up: certificateDomain },
  "0024-public-path": { up: publicPath },
  "0025-upstream-security": { up: upstreamSecurity },
  "0026-hypervisors": { up: hypervisors },
  "0027-machines-of-hypervisors": { up: machinesOfHypervisors },
  "0028-taking-in": { up: takingIn },
  "0029-sign-in-failures": { up: signInFailures },
  "0031-upstream-claims": { up: upstreamClaims },
  "0032-machines-that-move": { up: machinesThatMove },
  "0033-passwords-that-are-tried": { up: passwordsThatAreTried },
  "0034-withheld-machines": { up: withheldMachines },
  "0036-other-hosts-and-steps": { up: otherHostsAndSteps },
  "0040-console-leases": { up: consoleLeases },
  "0041-console-ports": { up: consolePorts },
  "0044-identity-tokens": { up: identityTokens },
  "0046-serial-lines": { up: serialLines },
  "0050-console-outputs": { up: consoleOutputs },
  "0051-keystone": { up: keystone },
  "0052-nova-tokens": { up: novaTokens },
  "0054-serial-streams": { up: serialStreams },
  "0055-hypervisor-pools": { up: hypervisorPools },
  "0057-audit-is-not-emptied": { up: auditIsNotEmptied },
};

/**
 * Brings the tables up to date, or leaves them as a newer version made them, where this one can work with that. Throws,
 * having changed nothing, where it cannot. Replicas that do this at once do it one after the other.
 */
export async function migrate(db: Kysely<Schema>): Promise<void> {
  try {
    // Most starts find nothing to do, and do not wait for who may be at it.
    if ((await standingOf(db, NAMES)) !== "older") return;
    const migrator = new Migrator({ db, provider: { getMigrations: async () => MIGRATIONS } });
    const { error } = await migrator.migrateToLatest();
    // A newer version may have come in between, and then its migrations are an error to Kysely.
    if (error !== undefined && (await standingOf(db, NAMES)) !== "newer") throw error;
  } catch (cause) {
    const problem = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`the tables cannot be brought up to date: ${problem}`, { cause });
  }
}

const NAMES = Object.keys(MIGRATIONS).sort();
