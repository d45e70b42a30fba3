import { X509Certificate } from "node:crypto";
import type { Log } from "#base/process/log.ts";

const DAY_MS = 24 * 3_600_000;

/** A certificate is renewed when less than a third of its life is left, each node's a little sooner than that. */
const LAST_PART = 1 / 3;
const JITTER = 1 / 10;

const JOIN_AGAIN = "make a join token with “porthole join-token create” and restart the node with it";

/** Until when a certificate, in PEM, is good: milliseconds since 1970. */
export function endOf(certificate: string): number {
  return new X509Certificate(certificate).validToDate.getTime();
}

/** Whose it is, for the log: the id that control gave the node when it joined. */
export function nodeIdOf(certificate: string): string | undefined {
  const { subjectAltName = "" } = new X509Certificate(certificate);
  return /URI:porthole:node:[\w.-]+:([\w.-]+)/.exec(subjectAltName)?.[1];
}

/** From when on a certificate is to be renewed: milliseconds since 1970. Every call draws another time. */
export function renewalOf(certificate: string): number {
  const { validFromDate, validToDate } = new X509Certificate(certificate);
  const life = validToDate.getTime() - validFromDate.getTime();
  return validToDate.getTime() - life * LAST_PART * (1 + Math.random() * JITTER);
}

/** As people write it. */
export function dayOf(end: number): string {
  return new Date(end).toISOString().slice(0, 10);
}

/** Watches the certificate of a node that runs, and says once a day when it has ended. */
export class CertificateWatch {
  #end: number;
  readonly #log: Log;
  #lastSaid = Number.NEGATIVE_INFINITY;

  constructor(certificate: string, log: Log) {
    this.#end = endOf(certificate);
    this.#log = log;
  }

  /** The node shows another one from now on. */
  replace(certificate: string): void {
    this.#end = endOf(certificate);
  }

  hasEnded(now: number): boolean {
    return now >= this.#end;
  }

  look(now: number): void {
    if (!this.hasEnded(now) || now - this.#lastSaid < DAY_MS) return;
    this.#lastSaid = now;
    const fields = { lastDay: dayOf(this.#end), remedy: JOIN_AGAIN };
    this.#log.error(fields, "The node's certificate has ended, it takes no new consoles");
  }
}
