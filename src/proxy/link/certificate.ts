import { X509Certificate } from "node:crypto";
import type { Log } from "#base/process/log.ts";

const DAY_MS = 24 * 3_600_000;

/** A certificate with less than this before it is renewed at the next start. */
const RENEWAL_MS = 30 * DAY_MS;

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

/** How long there is until then. */
export function remaining(end: number, now: number): "long" | "soon" | "ended" {
  if (now >= end) return "ended";
  return end - now < RENEWAL_MS ? "soon" : "long";
}

/** As people write it. */
export function dayOf(end: number): string {
  return new Date(end).toISOString().slice(0, 10);
}

/** Watches the certificate of a node that runs, and says once a day what has to be done about it. */
export class CertificateWatch {
  readonly #end: number;
  readonly #log: Log;
  #lastSaid = Number.NEGATIVE_INFINITY;

  constructor(certificate: string, log: Log) {
    this.#end = endOf(certificate);
    this.#log = log;
  }

  hasEnded(now: number): boolean {
    return remaining(this.#end, now) === "ended";
  }

  look(now: number): void {
    const left = remaining(this.#end, now);
    if (left === "long" || now - this.#lastSaid < DAY_MS) return;
    this.#lastSaid = now;
    const fields = { lastDay: dayOf(this.#end), remedy: JOIN_AGAIN };
    if (left === "soon") this.#log.warn(fields, "The node's certificate ends soon");
    else this.#log.error(fields, "The node's certificate has ended, it takes no new consoles");
  }
}
