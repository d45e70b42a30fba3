import { type Call, registerLifecycle } from "#protocols/libvirt/calls.ts";
import type { Lifecycle } from "#protocols/libvirt/lifecycle.ts";
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
  readonly #listeners = new Set<(event: Lifecycle) => void>();
  readonly #registered = new WeakMap<LibvirtConnection, Promise<void>>();
  #connection: Promise<LibvirtConnection> | undefined;

  constructor(access: LibvirtAccess) {
    this.#access = access;
  }

  /** Throws what opening a connection throws, and what its call does. */
  async call<Result>(call: Call<Result>, signal?: AbortSignal): Promise<Result> {
    return await (await this.#open(signal)).call(call, { signal });
  }

  /** A call that is answered with a stream, of so many bytes at most. */
  async download<Result>(
    call: Call<Result>,
    { maxBytes, signal }: { readonly maxBytes: number; readonly signal?: AbortSignal },
  ) {
    return await (await this.#open(signal)).download(call, { maxBytes, signal });
  }

  /** Tells of every domain's events until the signal is aborted or the connection ends: of the next one it tells nothing. */
  async follow(
    listener: (event: Lifecycle) => void,
    signal: AbortSignal,
  ): Promise<{ readonly ended: Promise<unknown> }> {
    const connection = await this.#open(signal);
    const each = (event: Lifecycle) => listener(event);
    const stop = () => {
      this.#listeners.delete(each);
      signal.removeEventListener("abort", stop);
    };
    this.#listeners.add(each);
    signal.addEventListener("abort", stop, { once: true });
    const ended = connection.ended.finally(stop);
    try {
      await this.#register(connection);
      signal.throwIfAborted();
    } catch (error) {
      stop();
      throw error;
    }
    return { ended };
  }

  async close(): Promise<void> {
    this.#closing.abort(new HypervisorError("answer", "the connection to libvirt was closed from here"));
    const connection = await this.#connection?.catch(() => undefined);
    connection?.close();
  }

  /** Once for each connection, whoever asks first. */
  #register(connection: LibvirtConnection): Promise<void> {
    const registered = this.#registered.get(connection) ?? connection.call(registerLifecycle());
    this.#registered.set(connection, registered);
    return registered;
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
    const onLifecycle = (event: Lifecycle) => {
      for (const listener of this.#listeners) listener(event);
    };
    const opening = openLibvirt(this.#access, { signal, onLifecycle });
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
