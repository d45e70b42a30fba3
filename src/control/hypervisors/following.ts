import { setTimeout as delay } from "node:timers/promises";
import type { HypervisorDriver, KnownMachine } from "#hypervisors/driver.ts";
import { isPartSilent, listHeard } from "#hypervisors/heard.ts";
import type { Store } from "../store/store.ts";
import type { DriverPool } from "./driver-pool.ts";
import { lookElsewhereFirst } from "./elsewhere-first.ts";
import { recognise } from "./identity.ts";
import type { Inventory } from "./inventory.ts";

const limits = {
  /** For a list of all that a hypervisor has, and for one machine. */
  listMs: 60_000,
  findMs: 15_000,
  /** Of one hypervisor. Beyond it nothing is taken in, and the reason says so. */
  machines: 20_000,
  /** Machines of which something is told and that are asked for one by one; of more, all are listed. */
  machinesPerRound: 50,
  /** Rests between two lists that are made for that reason: of a hypervisor on which much happens there are 4 in a minute at most. */
  listPaceMs: 15_000,
  /** After each round, whatever is told meanwhile: one hypervisor has 60 rounds a minute at most. */
  roundMs: 1_000,
  /** Though nothing was told, all is listed anew after that: 4 times in an hour. */
  relistMs: 15 * 60_000,
} as const;

interface Parts {
  readonly store: Store;
  readonly hypervisorId: string;
  readonly driver: HypervisorDriver;
  readonly inventory: Inventory;
  /** For asking other hypervisors. */
  readonly driverPool: Pick<DriverPool, "seek">;
  readonly news: News;
  /** All that it has is on record, as it was just now, but for what its silent parts have. */
  readonly onListed: (machines: number, silent: readonly string[]) => Promise<void>;
}

/**
 * Keeps what is on record of a hypervisor as the hypervisor says, until the signal is aborted. Throws why nothing is heard of it any
 * more. What it tells while it is asked is asked for once more, so nothing falls in between.
 */
export async function followHypervisor(
  { hypervisorId, driver, news, onListed, ...parts }: Parts,
  signal: AbortSignal,
): Promise<void> {
  const { store, inventory } = parts;
  const leaving = new AbortController();
  const left = AbortSignal.any([signal, leaving.signal]);
  const within = (ms: number) => AbortSignal.any([left, AbortSignal.timeout(ms)]);
  const relisting = setInterval(() => news.tellAll(), limits.relistMs);
  const stop = () => news.end(signal.reason);
  signal.addEventListener("abort", stop, { once: true });
  try {
    const { ended } = await driver.follow((address) => news.tell(address), left);
    void ended.then((cause) => news.end(cause));
    news.tellAll();
    for (;;) {
      const told = await news.take();
      if (told === "all") {
        const { machines, silent, isUnheard } = await listHeard(driver, within(limits.listMs));
        refuseTooMany(machines);
        // Asked behind the list: between both the connection may be another one.
        const identity = await driver.identity(within(limits.findMs));
        await recognise(store, { hypervisorId, identity, known: machines });
        left.throwIfAborted();
        const seen = { running: running(machines), asked: "all", isUnheard } as const;
        await lookElsewhereFirst(parts, hypervisorId, seen);
        await inventory.takeAll(hypervisorId, machines, { signal: left, isUnheard });
        await onListed(machines.length, silent);
      } else {
        const seen = await lookAt(driver, told, () => within(limits.findMs));
        const asked = [...seen.known.map(({ address }) => address), ...seen.gone];
        await lookElsewhereFirst(parts, hypervisorId, { running: running(seen.known), asked });
        await inventory.take(hypervisorId, seen, left);
      }
      await delay(limits.roundMs, undefined, { signal: left, ref: false });
    }
  } finally {
    clearInterval(relisting);
    signal.removeEventListener("abort", stop);
    leaving.abort(new Error("nobody follows any more"));
  }
}

function running(machines: readonly KnownMachine[]): ReadonlySet<string> {
  return new Set(machines.filter(({ power }) => power !== "stopped").map(({ address }) => address));
}

/** Half of what is there is not taken in: the rest would seem to be gone. */
function refuseTooMany({ length }: readonly KnownMachine[]): void {
  if (length > limits.machines)
    throw new Error(`it has ${length} machines; of more than ${limits.machines} none is taken in`);
}

/** What a hypervisor has told and nobody has looked at yet. */
export class News {
  readonly #listPaceMs: number;
  readonly #addresses = new Set<string>();
  #isAll = false;
  /** More was told than is asked for one by one: all is to be listed, at a pace. */
  #isOverfull = false;
  #hasListed = false;
  #listsAgainAt = -Infinity;
  #end: { readonly cause: unknown } | undefined;
  #wake: (() => void) | undefined;

  constructor(listPaceMs: number = limits.listPaceMs) {
    this.#listPaceMs = listPaceMs;
  }

  tell(address: string): void {
    if (this.#addresses.size < limits.machinesPerRound) this.#addresses.add(address);
    else this.#isOverfull ||= !this.#addresses.has(address);
    this.#wake?.();
  }

  /** Whoever says so is not told by a hypervisor: it is done at once. */
  tellAll(): void {
    this.#isAll = true;
    this.#wake?.();
  }

  /** Nothing comes any more. */
  end(cause: unknown): void {
    this.#end ??= { cause };
    this.#wake?.();
  }

  /** Waits for something: "all", or the addresses of some. Throws why nothing comes any more. For one who waits. */
  async take(): Promise<"all" | readonly string[]> {
    if (this.#hasListed) this.#listsAgainAt = performance.now() + this.#listPaceMs;
    this.#hasListed = false;
    for (;;) {
      if (this.#end !== undefined) throw this.#end.cause;
      const isDue = this.#isOverfull && performance.now() >= this.#listsAgainAt;
      if (this.#isAll || isDue) {
        this.#addresses.clear();
        this.#isAll = this.#isOverfull = false;
        this.#hasListed = true;
        return "all";
      }
      if (this.#addresses.size > 0) {
        const taken = [...this.#addresses];
        this.#addresses.clear();
        return taken;
      }
      await this.#untilTold();
    }
  }

  /** Or until a list is due. */
  async #untilTold(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    const restMs = Math.ceil(Math.max(0, this.#listsAgainAt - performance.now()));
    const due = this.#isOverfull ? setTimeout(resolve, restMs).unref() : undefined;
    await promise;
    clearTimeout(due);
    this.#wake = undefined;
  }
}

/** Those that could not be asked for are neither known nor gone. */
async function lookAt(
  driver: HypervisorDriver,
  addresses: readonly string[],
  within: () => AbortSignal,
): Promise<{ readonly known: readonly KnownMachine[]; readonly gone: readonly string[] }> {
  const known: KnownMachine[] = [];
  const gone: string[] = [];
  for (const address of addresses) {
    try {
      const found = await driver.find(address, within());
      if (found === undefined) gone.push(address);
      else known.push(found);
    } catch (error) {
      if (!isPartSilent(error)) throw error;
    }
  }
  return { known, gone };
}
