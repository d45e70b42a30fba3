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

/** Whether it runs: one that is paused has its consoles all the same. */
export type PowerState = "running" | "paused" | "stopped" | "unknown";

/** Of the guest's operating system, for keyboards and icons; where nobody told the platform it is not known. */
export type GuestFamily = "linux" | "windows" | "bsd" | "macos" | "other" | "unknown";

/** A machine as its platform knows it. */
export interface KnownMachine {
  /** Such as the driver takes for an address: it names this machine for ever, and none that comes after it. */
  readonly address: string;
  readonly name: string;
  readonly power: PowerState;
  readonly guest: GuestFamily;
}

/** A console that a machine has now, whether or not nodes speak its protocol already. */
interface KnownConsole {
  readonly protocol: Protocol | "serial";
  readonly isExclusive: boolean;
}

/** `stop` asks the guest, and `cut` does not; so do `restart` and `reset`. */
export type PowerAction = "start" | "stop" | "cut" | "restart" | "reset";

interface Picture {
  readonly mediaType: string;
  readonly bytes: Uint8Array;
}

/**
 * A platform that can be asked what there is. Beside a GatewayError its methods throw the signal's reason; of a machine that is
 * not there they throw `machine_gone`, but for `find`.
 */
export interface HypervisorDriver extends Driver, AsyncDisposable {
  list(signal: AbortSignal): Promise<readonly KnownMachine[]>;
  find(address: string, signal: AbortSignal): Promise<KnownMachine | undefined>;
  consoles(address: string, signal: AbortSignal): Promise<readonly KnownConsole[]>;
  /**
   * Once it resolves, `onChange` is told the address of each machine of which anything changes, until the signal is aborted or
   * the way to the hypervisor ends, which `ended` says. Whoever follows lists after that, and anew after each end.
   */
  follow(
    onChange: (address: string) => void,
    signal: AbortSignal,
  ): Promise<{ readonly ended: Promise<unknown> }>;
  /** Resolves when the platform has taken the order; that it was carried out, `follow` says. */
  power(address: string, action: PowerAction, signal: AbortSignal): Promise<void>;
  screenshot(address: string, signal: AbortSignal): Promise<Picture>;
}
