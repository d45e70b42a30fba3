import type { Call } from "#protocols/libvirt/calls.ts";
import { HypervisorError } from "../hypervisor-error.ts";
import type { LibvirtConnection } from "./connection.ts";
import { type LibvirtAccess, openLibvirt } from "./open.ts";

const limits = {
  /** For the whole way, from the name to libvirt's answer. */
  openMs: 15_000,
  /** After a failure, whoever asks gets the same answer for so long: a hypervisor that is down is not dialled by everybody. */
  failureMs: 1_000,
} as const;

/** A libvirt, by one connection that all calls share: opened when it is needed, and again when it has ended. */
export class LibvirtClient {
  readonly #access: LibvirtAccess;
  readonly #closing = new AbortController();
  #connection: Promise<LibvirtConnection> | undefined;

  constructor(access: LibvirtAccess) {
    this.#access = access;
  }

  /** Throws what opening a connection throws, and what its call does. */
  async call<Result>(call: Call<Result>, signal?: AbortSignal): Promise<Result> {
    return await (await this.#open(signal)).call(call, { signal });
  }

  async close(): Promise<void> {
    this.#closing.abort(new HypervisorError("answer", "the connection to libvirt was closed from here"));
    const connection = await this.#connection?.catch(() => undefined);
    connection?.close();
  }

  /** Who gives up waiting leaves the others their connection. */
  async #open(signal?: AbortSignal): Promise<LibvirtConnection> {
    this.#closing.signal.throwIfAborted();
    signal?.throwIfAborted();
    this.#connection ??= this.#start();
    if (signal === undefined) return await this.#connection;
    const { promise, reject } = Promise.withResolvers<never>();
    const abort = () => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    try {
      return await Promise.race([this.#connection, promise]);
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  #start(): Promise<LibvirtConnection> {
    const signal = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(limits.openMs)]);
    const opening = openLibvirt(this.#access, { signal });
    const forget = () => {
      if (this.#connection === opening) this.#connection = undefined;
    };
    opening.then(
      (connection) => void connection.ended.then(forget),
      () => void setTimeout(forget, limits.failureMs).unref(),
    );
    return opening;
  }
}
