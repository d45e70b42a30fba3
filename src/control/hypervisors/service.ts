import type { Hypervisor, HypervisorChange, HypervisorTest, NewHypervisor } from "#wire/hypervisors.ts";
import type { Caller } from "../services.ts";

/** Platforms that are asked for their machines. Their credentials are told to nobody. */
export interface Hypervisors {
  list(caller: Caller): Promise<readonly Hypervisor[]>;
  add(caller: Caller, hypervisor: NewHypervisor): Promise<Hypervisor>;
  /**
   * Changes what is given, and leaves the rest. Its machines stay what they are: another address or other credentials are another way
   * to them, and by new rules those are judged that wait.
   */
  update(caller: Caller, id: string, change: HypervisorChange): Promise<Hypervisor>;
  /** Goes the whole way there; a way that fails is an answer, and no error. */
  test(caller: Caller, id: string): Promise<HypervisorTest>;
  /** Forgets its machines with it, and ends their consoles. */
  remove(caller: Caller, id: string): Promise<void>;
}
