import type { Secret } from "#base/secret.ts";
import type { MachineState } from "#wire/api.ts";
import type { ConsoleProtocol, Protocol, Upstream } from "#wire/grant.ts";
import type { GuestFamily, PowerState } from "#wire/machine-origin.ts";
import type { MachineTls } from "#wire/machine-security.ts";
import type { PowerAction } from "#wire/power-action.ts";

/** What control has on record of a machine, for its driver. */
export interface DriverMachine {
  readonly id: string;
  /** As which its console is opened. */
  readonly protocol: ConsoleProtocol;
  /** In the driver's own syntax. */
  readonly address: string;
  readonly password: Secret | undefined;
  /** Whose password that is; undefined where it is the machine's own. */
  readonly username?: string | undefined;
  /** The console is reached by TLS and not without. */
  readonly tls?: DriverTls | undefined;
  /** Which hypervisor has it; undefined where it was registered by hand. */
  readonly hypervisorId?: string | undefined;
  /** What the operator last said; drivers that can ask a hypervisor ask it instead. */
  readonly state: MachineState;
}

/** As an administrator set it. */
export interface DriverTls extends MachineTls {
  readonly clientKey: Secret | undefined;
}

/** What a hypervisor says of a machine before a ticket for it is issued. */
export interface MachineCheck {
  readonly running: boolean;
  /** The consoles that it has now. */
  readonly protocols: readonly ConsoleProtocol[];
  /** Why the console that was asked for is not among them though the machine has one, and what opens it, where that is known; fit for the public. */
  readonly withheld?: string | undefined;
  /** Whether the machine's console bears one connection at a time, as a serial line does; absent: it bears several. */
  readonly isExclusive?: boolean;
}

/** A way to a console that has to be given back. */
export interface Lent {
  readonly upstream: Upstream;
  /** By which the driver knows what it is to give back; absent: nothing, or what was kept. Whoever has it can open the console. */
  readonly lease?: Secret;
}

/**
 * Writes down what will have to be given back, before anything is lent: for platforms where that is known beforehand. Whoever dies then,
 * it is given back, be it that nothing came of it.
 */
export type KeepLease = (lease: Secret) => Promise<void>;

/**
 * One platform, as control uses it. Every method may ask the hypervisor, and throws a GatewayError that says which
 * hop failed.
 */
export interface Driver {
  /** An address as it is kept on record. Throws an Error that says what is wrong with it. `protocol`: of a console that is reached there. */
  parseAddress(text: string, protocol?: Protocol): string;
  /** Before a ticket is issued: does the machine run, and what consoles has it? */
  check(machine: DriverMachine): Promise<MachineCheck>;
  /**
   * At redemption: where the console is *now*, with what opens it and nothing else. Throws `machine_not_running`
   * where the machine stopped in between.
   */
  resolve(machine: DriverMachine): Promise<Upstream>;
  /**
   * In place of `resolve`, for whoever looks whether nodes get there and opens nothing: nothing is made for him, such as a ticket or a password.
   * Undefined where there is nothing to be looked at before somebody opens the console. Absent: `resolve` makes nothing.
   */
  look?(machine: DriverMachine): Promise<Upstream | undefined>;
  /**
   * Of a platform that has to make something for each console, such as a session: `resolve` says where the console is, and this is asked in
   * its place by whoever opens it. Whatever it lends is released once that session is over, whichever way it ended.
   */
  lend?(machine: DriverMachine, keep: KeepLease): Promise<Lent>;
  /** Gives back what was lent, perhaps by another process. What the platform has forgotten is given back. */
  release?(lease: Secret, signal: AbortSignal): Promise<void>;
}

export type { GuestFamily, PowerAction, PowerState };

/** A machine as its platform knows it. */
export interface KnownMachine {
  /** Such as the driver takes for an address: it names this machine for ever, and none that comes after it. */
  readonly address: string;
  readonly name: string;
  readonly power: PowerState;
  readonly guest: GuestFamily;
}

/** What those parts of a platform have that answer. */
export interface HeardMachines {
  readonly machines: readonly KnownMachine[];
  /** Those that do not, such as nodes of a cluster, by their names. */
  readonly silent: readonly string[];
  /** Whether an address that is on record may be of a machine of theirs, which is neither there nor gone. */
  isUnheard(address: string): boolean;
}

/** A console that a machine has now, whether or not nodes speak its protocol already. */
interface KnownConsole {
  readonly protocol: Protocol;
  readonly isExclusive: boolean;
}

export interface Picture {
  readonly mediaType: string;
  readonly bytes: Uint8Array;
}

/**
 * A platform that can be asked what there is. Beside a GatewayError its methods throw the signal's reason; of a machine that is
 * not there they throw `machine_gone`, but for `find`.
 */
export interface HypervisorDriver extends Driver, AsyncDisposable {
  list(signal: AbortSignal): Promise<readonly KnownMachine[]>;
  /**
   * In place of `list`, of a platform of which a part may be away while others answer: `list` leaves out what that part has, and this says what it left out.
   * Of such a machine the other methods throw with a PartSilent for their cause. Absent: `list` has all, or fails.
   */
  listHeard?(signal: AbortSignal): Promise<HeardMachines>;
  /** By which it is told from others, whatever its address is: in words, and the same each time. */
  identity(signal: AbortSignal): Promise<string>;
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
