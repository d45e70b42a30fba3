import { createHmac } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { Secret } from "#base/secret.ts";
import { getXml, UPDATE_FLAGS, updateDevice } from "#protocols/libvirt/calls.ts";
import type { RemoteDomain } from "#protocols/libvirt/domain.ts";
import { REMOTE_ERRORS, RemoteError } from "#protocols/libvirt/remote-error.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { LibvirtClient } from "./client.ts";
import { type PasswordedVnc, readPasswordedVnc, withPassword } from "./vnc-password-xml.ts";

const limits = {
  /** A new password is good for the rest of its minute and one more. */
  slotMs: 60_000,
  /** What ends later than that was set by somebody else, for other ends: ours end within two minutes, and clocks differ. */
  oursMs: 3 * 60_000,
  /** What is left of it has to do for the way to the console and its handshake; whoever comes later gets the next one. */
  leftMs: 5_000,
  /** VNC authentication uses eight characters, of six bits each here (RFC 6143 §7.2.2). */
  characters: 8,
} as const;

/** Over before it began: with it in the definition, a machine that starts is open to nobody. */
const EXPIRED_MS = 1_000;

/**
 * Gives VNC a password for the consoles that are about to open, with an end. libvirt's definition of the running machine is where
 * it is kept, for all replicas; and it follows from the key, the machine and its end alone, so that two who set one at the same time set
 * the same. VNC has one password at a time: those who come while one is good share it, and none is taken away before its end.
 */
export class SessionPasswords {
  readonly #client: LibvirtClient;
  readonly #key: Secret;
  readonly #now: () => number;
  /** By machine, until whoever came last is done. */
  readonly #last = new Map<string, Promise<unknown>>();

  constructor(client: LibvirtClient, key: Secret, now: () => number = Date.now) {
    this.#client = client;
    this.#key = key;
    this.#now = now;
  }

  /**
   * The XML is the running machine's, as it was just read with its secrets: where a password is in force nothing more is asked. Throws
   * `upstream_refused` where the machine was started without a password, which cannot be mended while it runs.
   */
  async passwordFor(domain: RemoteDomain, xml: string, signal: AbortSignal): Promise<string> {
    return this.#inForce(vncOf(xml)) ?? (await this.#afterOthers(domain, signal));
  }

  /** One after the other, for else each would set one of its own, and the last alone would be right. */
  async #afterOthers(domain: RemoteDomain, signal: AbortSignal): Promise<string> {
    const { uuid } = domain;
    const mine = (this.#last.get(uuid) ?? Promise.resolve()).then(
      async () => await this.#next(domain, signal),
    );
    const settled = mine.catch(() => {});
    this.#last.set(uuid, settled);
    try {
      return await mine;
    } finally {
      if (this.#last.get(uuid) === settled) this.#last.delete(uuid);
    }
  }

  async #next(domain: RemoteDomain, signal: AbortSignal): Promise<string> {
    for (;;) {
      // Together, as what is set further down is: whoever opens a console waits for each way there and back.
      const [xml, definition] = await Promise.all([
        this.#client.call(getXml(domain, { isSecure: true }), signal),
        this.#definition(domain, signal),
      ]);
      const vnc = vncOf(xml);
      // Somebody else may have set it meanwhile, another replica as well.
      const inForce = this.#inForce(vnc);
      if (inForce !== undefined) return inForce;
      if (vnc.password === undefined) {
        await this.#expire(domain, definition, signal);
        throw new GatewayError("upstream_refused", {
          detail:
            "libvirt: the machine was started without a VNC password; it has one for each session from its next start on",
        });
      }
      const left = this.#leftOf(vnc);
      const isOurs = left > 0 && left <= limits.oursMs;
      if (!isOurs) {
        const [password] = await Promise.all([
          this.#renew(domain, vnc, signal),
          this.#expire(domain, definition, signal),
        ]);
        return password;
      }
      await delay(left, undefined, { signal });
    }
  }

  #leftOf({ validTo = 0 }: PasswordedVnc): number {
    return validTo - this.#now();
  }

  /** Undefined where there is none, or none that is good for long enough, or none of ours. */
  #inForce(vnc: PasswordedVnc): string | undefined {
    const left = this.#leftOf(vnc);
    return left >= limits.leftMs && left <= limits.oursMs ? vnc.password : undefined;
  }

  async #renew(domain: RemoteDomain, vnc: PasswordedVnc, signal: AbortSignal): Promise<string> {
    const validTo = (Math.floor(this.#now() / limits.slotMs) + 2) * limits.slotMs;
    const password = this.#passwordOf(domain.uuid, validTo);
    const xml = withPassword(vnc, { password, validTo });
    await this.#client.call(updateDevice(domain, xml, UPDATE_FLAGS.live), signal);
    return password;
  }

  /** The VNC that the machine starts with next time. One without a definition that lasts has no next time. */
  async #definition(domain: RemoteDomain, signal: AbortSignal): Promise<PasswordedVnc | undefined> {
    return await whereDefined(async () =>
      readPasswordedVnc(
        await this.#client.call(getXml(domain, { isSecure: true, isInactive: true }), signal),
      ),
    );
  }

  /** What the machine starts with next time is good for nobody. */
  async #expire(domain: RemoteDomain, vnc: PasswordedVnc | undefined, signal: AbortSignal): Promise<void> {
    if (vnc === undefined || (vnc.password !== undefined && (vnc.validTo ?? Infinity) <= EXPIRED_MS)) return;
    const password = this.#passwordOf(domain.uuid, EXPIRED_MS);
    const expired = withPassword(vnc, { password, validTo: EXPIRED_MS });
    const update = updateDevice(domain, expired, UPDATE_FLAGS.config);
    await whereDefined(async () => await this.#client.call(update, signal));
  }

  #passwordOf(uuid: string, validTo: number): string {
    const mac = createHmac("sha256", this.#key.expose()).update(`${uuid} ${validTo}`);
    return mac.digest("base64url").slice(0, limits.characters);
  }
}

async function whereDefined<Result>(ask: () => Promise<Result>): Promise<Result | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof RemoteError && error.code === REMOTE_ERRORS.operationInvalid) return undefined;
    throw error;
  }
}

function vncOf(xml: string): PasswordedVnc {
  const vnc = readPasswordedVnc(xml);
  if (vnc === undefined) throw new GatewayError("upstream_unreachable", { detail: "the machine has no VNC" });
  return vnc;
}
