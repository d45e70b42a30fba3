/**
 * A client for each host that is asked, made when it is first asked, and no more than so many: hosts say by themselves who their master is, and one
 * that names another each time is not to be believed for ever. Of more, the one goes that was asked longest ago.
 */
export class Clients<Client extends Disposable> implements Disposable {
  readonly #most: number;
  readonly #make: (host: string) => Client;
  /** The one that was asked last stands last. */
  readonly #byHost = new Map<string, Client>();

  constructor(most: number, make: (host: string) => Client) {
    this.#most = most;
    this.#make = make;
  }

  of(host: string): Client {
    const client = this.#byHost.get(host) ?? this.#make(host);
    this.#byHost.delete(host);
    this.#byHost.set(host, client);
    const [oldest = host] = this.#byHost.keys();
    if (this.#byHost.size > this.#most) this.forget(oldest);
    return client;
  }

  forget(host: string): void {
    this.#byHost.get(host)?.[Symbol.dispose]();
    this.#byHost.delete(host);
  }

  [Symbol.dispose](): void {
    for (const host of [...this.#byHost.keys()]) this.forget(host);
  }
}
