import { X509Certificate } from "node:crypto";
import { oneLine } from "#tls/certificate/chain.ts";
import { pemBlocks } from "#tls/certificate/pem.ts";
import type { Acme } from "#wire/acme.ts";
import type { IssuedCertificate } from "../certificates/issued.ts";
import type { AcmeTable } from "./acme-table.ts";
import { isGoodFor } from "./keeper.ts";
import type { WantedNames } from "./names.ts";
import { dueAt, isOrdering } from "./schedule.ts";

/** How it stands, as administrators are told. */
export function statusOf(
  row: AcmeTable | undefined,
  parts: {
    readonly wanted: WantedNames;
    readonly inUse: IssuedCertificate | undefined;
    readonly now: number;
  },
): Acme {
  if (row === undefined) return { state: "off" };
  const { wanted, inUse, now } = parts;
  const current = inUse !== undefined && isGoodFor(inUse, wanted.names, now) ? inUse : undefined;
  const problem = problemOf(row, wanted);
  const window =
    row.window_start === null || row.window_end === null
      ? undefined
      : {
          start: time(row.window_start),
          end: time(row.window_end),
          ...(row.window_explanation === null ? {} : { explanation: row.window_explanation }),
        };
  return {
    state: stateOf(row, { ...parts, current }),
    directory: row.directory,
    ...(row.contact === "" ? {} : { contact: row.contact }),
    agreesToTerms: row.agrees_to_terms === 1,
    challenge: row.challenge,
    ...(row.binding_key_id === null ? {} : { externalAccount: { keyId: row.binding_key_id } }),
    ...(row.roots === "" ? {} : { roots: subjectsOf(row.roots) }),
    names: [...wanted.names],
    ...(inUse === undefined ? {} : { certificate: inUse.fingerprint, notAfter: time(inUse.notAfter) }),
    ...(row.attempted_at === null ? {} : { lastAttemptAt: time(row.attempted_at) }),
    ...(row.succeeded_at === null ? {} : { lastSuccessAt: time(row.succeeded_at) }),
    failures: row.failures,
    ...(problem === undefined ? {} : { problem }),
    ...(wanted.names.length === 0 ? {} : { nextAttemptAt: time(Math.max(now, dueAt(row, current, now))) }),
    ...(window === undefined ? {} : { renewalWindow: window }),
  };
}

function stateOf(
  row: AcmeTable,
  parts: {
    readonly wanted: WantedNames;
    readonly current: IssuedCertificate | undefined;
    readonly now: number;
  },
): Acme["state"] {
  const { wanted, current, now } = parts;
  if (isOrdering(row, now)) return "ordering";
  if (wanted.domain === "") return "idle";
  if (row.failures > 0) return "failing";
  return current === undefined || row.is_wanted === 1 ? "waiting" : "ready";
}

function problemOf(row: AcmeTable, { domain, names, leftOut }: WantedNames): string | undefined {
  if (domain === "") return "the setting consoleproxy.url.domain names no domain: set it";
  if (row.problem !== null) return row.problem;
  if (names.length === 0)
    return `no node is up that has a name of ${domain}, and http-01 certifies no others: start one, or take dns-01`;
  if (leftOut > 0)
    return `${leftOut} nodes have no room in one certificate: “porthole acme configure --challenge dns-01” gets one for all of ${domain}`;
  return undefined;
}

function subjectsOf(roots: string): string[] {
  return pemBlocks(roots).map(({ text }) => oneLine(new X509Certificate(text).subject));
}

function time(ms: number): string {
  return new Date(ms).toISOString();
}
