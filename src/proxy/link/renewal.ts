import { setTimeout } from "node:timers/promises";
import type { Clock } from "#base/clock.ts";
import type { Log } from "#base/process/log.ts";
import { createCertificateRequest } from "#tls/certificate-request.ts";
import { isEmpty, isRenewResponse } from "./answers.ts";
import { dayOf, endOf, renewalOf } from "./certificate.ts";
import { checkIssued } from "./check-issued.ts";
import type { Identity } from "./identity.ts";
import type { LinkClient } from "./link-client.ts";

const deadlines = { renewMs: 20_000, connectMs: 10_000, renewedMs: 10_000 } as const;

const intervals = {
  /** A timer of Node's runs for 24 days at most, and control's clock may be set. */
  lookMs: 60 * 60 * 1000,
  /** Between two tries, or a hundredth of what is left, whichever is less. */
  retryMs: 60 * 60 * 1000,
} as const;

export interface RenewalOptions {
  readonly identity: Identity;
  readonly incarnation: string;
  readonly link: LinkClient;
  /** Control's, by which certificates are judged. */
  readonly clock: Clock;
  readonly log: Log;
  /** Writes it in place of the one on disk. */
  readonly keep: (identity: Identity) => Promise<void>;
  /** The node shows this one from now on. */
  readonly onRenewed: (identity: Identity) => void;
}

/**
 * Renews the node's certificate before it ends, for a new key. The new one is tried, then written to disk, and only
 * then is control told that the old one is not needed any more: whichever end dies in between, what the node has on disk
 * is good.
 */
export class Renewal {
  readonly #options: RenewalOptions;
  #identity: Identity;
  #dueAt: number;
  /** In use, and not yet both on disk and settled with control. */
  #unsettled: Identity | undefined;

  constructor(options: RenewalOptions) {
    this.#options = options;
    this.#identity = options.identity;
    this.#dueAt = renewalOf(options.identity.certificate);
  }

  /** When what the node is known by ends, in milliseconds since 1970. */
  get endsAt(): number {
    return endOf(this.#identity.certificate);
  }

  /** Runs until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    for (;;) {
      const { clock } = this.#options;
      const dueInMs = this.#unsettled === undefined ? this.#dueAt - clock.now() : 0;
      if (dueInMs > 0) await setTimeout(Math.min(dueInMs, intervals.lookMs), undefined, { signal });
      else if (!(await this.#try(signal))) await setTimeout(this.#untilNextTry(), undefined, { signal });
    }
  }

  async #try(signal: AbortSignal): Promise<boolean> {
    const { log } = this.#options;
    try {
      this.#unsettled ??= await this.#renew(signal);
      await this.#settle(this.#unsettled, signal);
      return true;
    } catch (error) {
      signal.throwIfAborted();
      const lastDay = dayOf(endOf(this.#identity.certificate));
      log.warn({ error, lastDay }, "The node's certificate could not be renewed yet");
      return false;
    }
  }

  /** Resolves to an identity that control knows the node by, on the channel that is in use now. */
  async #renew(signal: AbortSignal): Promise<Identity> {
    const { link, incarnation } = this.#options;
    const { nodeId, authority } = this.#identity;
    const { request: certificateRequest, privateKey } = await createCertificateRequest();
    const body = { incarnation, certificateRequest };
    const { certificate } = await link.call("renew", body, isRenewResponse, {
      deadlineMs: deadlines.renewMs,
      signal,
    });
    const renewed = checkIssued({ nodeId, authority, certificate, privateKey });
    await link.replaceCredentials(renewed, { deadlineMs: deadlines.connectMs, signal });
    return renewed;
  }

  async #settle(renewed: Identity, signal: AbortSignal): Promise<void> {
    const { link, incarnation, keep, onRenewed, log } = this.#options;
    await keep(renewed);
    await link.call("renewed", { incarnation }, isEmpty, {
      deadlineMs: deadlines.renewedMs,
      signal,
      repeatable: true,
    });
    this.#identity = renewed;
    this.#unsettled = undefined;
    this.#dueAt = renewalOf(renewed.certificate);
    onRenewed(renewed);
    log.info({ lastDay: dayOf(endOf(renewed.certificate)) }, "The node's certificate is renewed");
  }

  #untilNextTry(): number {
    const left = endOf(this.#identity.certificate) - this.#options.clock.now();
    const longest = Math.min(intervals.retryMs, Math.max(left / 100, 1_000));
    return longest * (1 - Math.random() / 2);
  }
}
