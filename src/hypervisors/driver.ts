import type { Secret } from "#base/secret.ts";
import type { MachineState } from "#wire/api.ts";
import type { Protocol, Upstream } from "#wire/grant.ts";
import type { MachineTls } from "#wire/machine-security.ts";

/** What control has on record of a machine, for its driver. */
export interface DriverMachine {
  readonly id: string;
  readonly protocol: Protocol;
  /** In the driver's own syntax. */
  readonly address: string;
  readonly password: Secret | undefined;
  /** Whose password that is; undefined where it is the machine's own. */
  readonly username?: string | undefined;
  /** The console is reached by TLS and not without. */
  readonly tls?: DriverTls | undefined;
  /** What the operator last said; drivers that can ask a hypervisor ask it instead. */
  readonly state: MachineState;
}

/** As an administrator set it. */
export interface DriverTls extends MachineTls {
  readonly clientKey: Secret | undefined;
}

/** What a hypervisor says of a machine before a ticket for it is issued. */
interface MachineCheck {
  readonly running: boolean;
  /** The consoles that it has now. */
  readonly protocols: readonly Protocol[];
  /** Whether the machine's console bears one connection at a time, as a serial line does; absent: it bears several. */
  readonly isExclusive?: boolean;
}

/**
 * One platform, as control uses it. Every method may ask the hypervisor, and throws a GatewayError that says which
 * hop failed.
 */
export interface Driver {
  /** An address as it is kept on record. Throws an Error that says what is wrong with it. */
  parseAddress(text: string): string;
  /** Before a ticket is issued: does the machine run, and what consoles has it? */
  check(machine: DriverMachine): Promise<MachineCheck>;
  /**
   * At redemption: where the console is *now*, with what opens it and nothing else. Throws `machine_not_running`
   * where the machine stopped in between.
   */
  resolve(machine: DriverMachine): Promise<Upstream>;
}
