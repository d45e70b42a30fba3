import type { Clock } from "#base/clock.ts";
import { ProtocolError } from "#base/protocol-error.ts";
import { type Shown, toShown } from "#hypervisors/picture.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { Audit } from "../audit/audit.ts";
import { Pictures } from "../audit/pictures.ts";
import type { DriverPool } from "../hypervisors/driver-pool.ts";
import type { Caller } from "../services.ts";
import type { Store } from "../store/store.ts";
import type { MachineRow } from "./machine-row.ts";
import { ofHypervisor } from "./power.ts";

const limits = {
  /** From one look at a machine to the next, whoever asks and however often. */
  keptMs: 2_000,
  /** Machines whose picture is kept, or under way; beyond it the oldest is forgotten. */
  kept: 16,
  /** Of all pictures that are kept. One alone may be larger, and is not kept. */
  keptBytes: 32 * 1024 * 1024,
} as const;

interface Kept {
  readonly at: number;
  readonly shown: Promise<Shown>;
  /** None while it is under way. */
  bytes: number;
}

interface Parts {
  readonly store: Store;
  readonly audit: Audit;
  readonly clock: Clock;
  readonly driverPool: Pick<DriverPool, "look">;
}

/**
 * What machines show, as their hypervisors see it. One look at a machine at a time, and one in two seconds: neither a crowd nor an impatient
 * dashboard reaches the hypervisor. How it failed is kept as long as how it looked.
 */
export class Screenshots {
  readonly #parts: Parts;
  readonly #told: Pictures;
  /** In the order in which they were asked for. */
  readonly #kept = new Map<string, Kept>();

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#told = new Pictures(parts.clock);
  }

  /** The caller was judged before. */
  async take(caller: Caller, machine: MachineRow): Promise<Shown> {
    const { store, audit } = this.#parts;
    const { id, name } = machine;
    const shown = await this.#shown(machine);
    const order = { purpose: "thumbnail", account: { id: caller.accountId }, machine } as const;
    if (this.#told.isWorthTelling(order)) {
      const object = { kind: "machine", id, name } as const;
      const entry = { action: "machine.screenshot", by: caller, object } as const;
      await store.db.transaction().execute(async (db) => await audit.record(db, entry));
    }
    return shown;
  }

  async #shown(machine: MachineRow): Promise<Shown> {
    const now = this.#parts.clock.now();
    for (const [id, { at }] of this.#kept) if (now - at >= limits.keptMs) this.#kept.delete(id);
    const kept = this.#kept.get(machine.id);
    if (kept !== undefined) return await kept.shown;
    const made: Kept = { at: now, shown: this.#look(machine), bytes: 0 };
    this.#kept.set(machine.id, made);
    this.#forgetOldest();
    const shown = await made.shown;
    made.bytes = shown.bytes.length;
    this.#forgetOldest();
    return shown;
  }

  /** Nothing comes by to forget what has become old: so there is never much of it. */
  #forgetOldest(): void {
    let bytes = 0;
    for (const kept of this.#kept.values()) bytes += kept.bytes;
    for (const [id, kept] of this.#kept) {
      if (this.#kept.size <= limits.kept && bytes <= limits.keptBytes) return;
      this.#kept.delete(id);
      bytes -= kept.bytes;
    }
  }

  async #look({ hypervisor_id: hypervisorId, address }: MachineRow): Promise<Shown> {
    if (hypervisorId === null) throw new GatewayError("no_hypervisor");
    try {
      return await this.#parts.driverPool.look(
        hypervisorId,
        async (driver, signal) => await toShown(await driver.screenshot(address, signal)),
      );
    } catch (error) {
      if (error instanceof ProtocolError)
        throw new GatewayError("hypervisor_refused", { cause: error, detail: error.message });
      throw ofHypervisor(error);
    }
  }
}
