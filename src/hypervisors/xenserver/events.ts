import { setTimeout as delay } from "node:timers/promises";
import { HypervisorError } from "../hypervisor-error.ts";
import { XapiError } from "./json-rpc.ts";
import { isMachine, type ShownVm, toKnown } from "./known.ts";
import { type GuestMetrics, read, type Vm, type XapiEvent } from "./records.ts";
import type { XapiClient } from "./xapi-client.ts";

export const limits = {
  /** The first answer has every machine and every guest of the pool. */
  answerBytes: 64 * 1024 * 1024,
  /** As long as XAPI waits for something to happen, in seconds; less than an answer may take. With a fraction: XAPI reads no whole number there. */
  waitSeconds: 30.1,
  /** Between two questions, so that a pool in which much happens is asked four times a second. */
  pauseMs: 250,
  /** That are kept in mind, and guests; more machines than that are taken in from no hypervisor. */
  machines: 20_000,
} as const;

const CLASSES = ["vm", "vm_guest_metrics"] as const;

/** Asks for events from where the token stands, which is how none is lost between two questions. */
export async function eventsFrom(
  client: XapiClient,
  {
    classes,
    token,
    waitSeconds,
    signal,
  }: {
    readonly classes: readonly string[];
    readonly token: string;
    readonly waitSeconds: number;
    readonly signal: AbortSignal;
  },
) {
  const asking = { signal, answerBytes: limits.answerBytes, waits: true };
  return read.events(await client.call("event.from", [classes, token, waitSeconds], asking));
}

/** Resolves once it has seen what there is; from then on it tells the address of each machine of which something that is shown changes. */
export async function followEvents(
  client: XapiClient,
  { onChange, signal }: { readonly onChange: (address: string) => void; readonly signal: AbortSignal },
): Promise<{ readonly ended: Promise<unknown> }> {
  const from = async (token: string) =>
    await eventsFrom(client, { classes: CLASSES, token, waitSeconds: limits.waitSeconds, signal });
  const first = await from("");
  const pool = new SeenPool();
  pool.take(first.events);
  const follow = async (): Promise<unknown> => {
    let { token } = first;
    try {
      for (;;) {
        await delay(limits.pauseMs, undefined, { signal });
        const next = await from(token);
        token = next.token;
        for (const address of pool.take(next.events)) {
          if (signal.aborted) return undefined;
          onChange(address);
        }
      }
    } catch (error) {
      return signal.aborted ? undefined : told(error);
    }
  };
  return { ended: follow() };
}

function told(error: unknown): unknown {
  return error instanceof XapiError ? new Error(`XAPI answers ${error.code}`) : error;
}

/** Of the hundred fields of a VM those that are kept. */
type Kept = ShownVm & Pick<Vm, "guest_metrics">;

/** What is known of a pool's machines, by XAPI's references: an event that says that something went names nothing else. */
class SeenPool {
  readonly #vms = new Map<string, Kept>();
  readonly #metrics = new Map<string, GuestMetrics>();
  /** By reference: its address, and how it looks. */
  readonly #shown = new Map<string, readonly [address: string, how: string]>();

  /** The addresses of machines that look otherwise than before. */
  take(events: readonly XapiEvent[]): ReadonlySet<string> {
    const touched = new Set(events.map(({ ref }) => ref));
    for (const event of events) this.#note(event);
    for (const [ref, { guest_metrics }] of this.#vms) if (touched.has(guest_metrics)) touched.add(ref);
    const changed = new Set<string>();
    for (const ref of touched) for (const address of this.#show(ref)) changed.add(address);
    return changed;
  }

  /** As whom it was known and is, if anything of it has changed. */
  #show(ref: string): readonly string[] {
    const vm = this.#vms.get(ref);
    const known = vm === undefined ? undefined : toKnown(vm, this.#metrics.get(vm.guest_metrics));
    const [before, how] = this.#shown.get(ref) ?? [];
    const now = known === undefined ? undefined : JSON.stringify(known);
    if (how === now) return [];
    if (known === undefined || now === undefined) this.#shown.delete(ref);
    else this.#shown.set(ref, [known.address, now]);
    return [before, known?.address].filter((address) => address !== undefined);
  }

  #note({ class: name, operation, ref, snapshot }: XapiEvent): void {
    if (name === "vm") {
      const vm = operation === "del" || snapshot === undefined ? undefined : read.vm(snapshot);
      if (vm !== undefined && isMachine(vm)) {
        const { uuid, name_label, power_state, guest_metrics } = vm;
        this.#vms.set(ref, { uuid, name_label, power_state, guest_metrics });
      } else if (vm !== undefined || operation === "del") this.#vms.delete(ref);
    }
    if (name === "vm_guest_metrics") {
      if (operation === "del") this.#metrics.delete(ref);
      else if (snapshot !== undefined)
        this.#metrics.set(ref, { os_version: read.guestMetrics(snapshot).os_version });
    }
    for (const { size } of [this.#vms, this.#metrics])
      if (size > limits.machines)
        throw new HypervisorError("answer", `it tells of more than ${limits.machines} machines`);
  }
}
