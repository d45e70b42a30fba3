import type { Clock } from "#base/clock.ts";
import type { Log } from "#base/process/log.ts";
import { daysLeft } from "#wire/certificate-end.ts";
import type { SettingValues } from "../settings/settings.ts";
import type { CertificateInUse, ReadCertificatesInUse } from "./in-use.ts";

/** Days that are left when it is said, the longest first; 0: it has ended. */
const TOLD_AT = [30, 14, 7, 1, 0] as const;

/**
 * Writes into the log which certificates end soon: each once for each threshold, and again by a replica that comes to lead.
 * With TLS off nobody is shown one.
 */
export function createEndingWatch({
  inUse,
  values,
  clock,
  log,
}: {
  readonly inUse: ReadCertificatesInUse;
  readonly values: SettingValues;
  readonly clock: Clock;
  readonly log: Log;
}): () => Promise<void> {
  let told: ReadonlyMap<string, number> = new Map();

  return async () => {
    if (!values.value("consoleproxy.sslEnabled")) return;
    const now = clock.now();
    const due = (await inUse()).flatMap((certificate) => {
      const days = daysLeft(certificate.notAfter, now);
      const threshold = TOLD_AT.findLast((each) => days <= each);
      if (threshold === undefined || threshold > certificate.toldFromDays) return [];
      return [{ certificate, days, threshold, key: keyOf(certificate) }];
    });
    for (const { certificate, days, threshold, key } of due)
      if ((told.get(key) ?? Number.POSITIVE_INFINITY) > threshold) tell(log, certificate, days);
    // What is not in use any more is forgotten.
    told = new Map(due.map(({ key, threshold }) => [key, threshold]));
  };
}

function keyOf({ kind, pool, nodeId = "", notAfter }: CertificateInUse): string {
  return `${kind} ${pool} ${nodeId} ${notAfter}`;
}

function tell(log: Log, { kind, pool, nodeId, names, notAfter }: CertificateInUse, days: number): void {
  const fields = {
    kind,
    pool,
    ...(nodeId === undefined ? {} : { nodeId }),
    names: names.slice(0, 5),
    ends: new Date(notAfter).toISOString(),
    daysLeft: days,
  };
  if (days <= 0) log.error(fields, "A certificate that is in use has ended");
  else log.warn(fields, "A certificate that is in use ends soon");
}
