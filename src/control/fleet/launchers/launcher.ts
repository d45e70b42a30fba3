import type { Secret } from "#base/secret.ts";

export const launcherLimits = {
  /** Of one list; whoever has more has lost count, and the list fails. */
  instances: 10_000,
  /** Of an error's text, which is kept with the order and shown to operators. */
  failureCharacters: 500,
  /** How long control waits for one call. A launch may copy a disk image; the others only say a word to a platform. */
  launchMs: 5 * 60_000,
  callMs: 60_000,
} as const;

/**
 * Makes nodes on some platform and takes them away again. Control decides when, how many and in which pool
 * (fleet/capacity/); a launcher decides nothing.
 *
 * What it makes is an instance: one node, named by the order that it was made for. The platform itself keeps that name
 * (as a label, a domain's name, a folder), because control may be killed at any moment: what an earlier control
 * launched, a later one finds by `list` and goes on with.
 *
 * INVARIANT: of one order there is at most one instance, however often, and by however many controls at once, it is
 * launched.
 *
 * All calls may be made at any time, also at once and for the same order. They reject with a LaunchError for what the
 * platform or its configuration does not allow, and soon after `signal` has aborted; then what was begun may come
 * about all the same, and only `list` can tell.
 */
export interface Launcher {
  /** Which kind of launcher it is, as it stands in configuration, metrics and records: `process`, `kubernetes`. */
  readonly kind: string;
  /**
   * The place whose instances it sees, such as `process /var/lib/porthole/nodes on host7`. It stays the same when
   * control starts again. Replicas whose launchers have the same scope see the same instances; those of another scope
   * are left alone.
   */
  readonly scope: string;
  /** Makes an instance for the order and starts it, unless there is one already, which is left as it is. */
  launch(order: LaunchOrder, signal: AbortSignal): Promise<void>;
  /** Every instance of this installation in the scope, whoever launched it and whatever became of it. */
  list(signal: AbortSignal): Promise<readonly Instance[]>;
  /**
   * Lets the node end its sessions and stop, and keeps what it needs to start again as the same node. Resolves when it is
   * under way, at the latest when it has stopped. Nothing to do for one that is stopped or not there.
   */
  stop(orderId: string, signal: AbortSignal): Promise<void>;
  /** Starts one that is stopped, as the same node. Nothing to do for one that runs; rejects for one that is not there. */
  start(orderId: string, signal: AbortSignal): Promise<void>;
  /**
   * Takes the instance away with all that it has, running or not, the node stopping as by `stop`. Resolves when it is
   * under way; it is done when `list` does not have it any more. Nothing to do for one that is not there.
   */
  destroy(orderId: string, signal: AbortSignal): Promise<void>;
  /** Lets go of what this object holds. Instances are not touched: consoles go on while control restarts. */
  close(): Promise<void>;
}

/** As control makes them: what has another name than that is no instance of an order. */
export const ORDER_ID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/;

/** What is to be launched. */
export interface LaunchOrder {
  /** A UUID, made by control: ORDER_ID. */
  readonly id: string;
  readonly pool: string;
  readonly join: JoinData;
}

/** What a node has to be told so that it becomes one of this installation's: the options of `porthole proxy`. */
export interface JoinData {
  /** Of control's links, each as https://HOST:PORT: any of them will do. One at least. */
  readonly controls: readonly string[];
  /**
   * Good for one node of the order's pool, and for minutes. It goes to the node in a file or on a disk that nobody else
   * reads; never into arguments, environment, names, logs or errors. Where the platform vouches for its nodes (the
   * service account of a pod) it is not needed.
   */
  readonly token: Secret;
  /** Where the node is to listen, as --listen has it; where it is absent, the launcher knows better. */
  readonly listen?: string;
  /** Under which address browsers find it, as --public-address has it. */
  readonly publicAddress?: string;
}

/**
 * `starting`: it is there, and the node is not yet. `running`: the node runs, as far as the platform knows. `stopped`: it
 * is there and does not run, because it was stopped or has ended by itself.
 */
export const INSTANCE_STATES = ["starting", "running", "stopped"] as const;
type InstanceState = (typeof INSTANCE_STATES)[number];

/** What a launcher knows of something that it made. */
export interface Instance {
  readonly orderId: string;
  readonly pool: string;
  readonly state: InstanceState;
  /**
   * Where a node does not come with the order's token: as what it joins, such as the pod NAMESPACE/NAME. Control finds
   * its node by that.
   */
  readonly joinsAs?: string;
  /**
   * Whether it can be taken away while the others stay. A StatefulSet gives up its last pod only: all others say `false`,
   * and are not drained to be taken away. Absent means yes.
   */
  readonly isRemovable?: boolean;
  /** Why it does not run, in the platform's words, where it has some: for operators, and without secrets. */
  readonly problem?: string;
}

/**
 * What a launcher could not do. The message is a lower-case fragment for operators that holds no secret; it is kept with the
 * order, and cut to `launcherLimits.failureCharacters`.
 */
export class LaunchError extends Error {
  override readonly name = "LaunchError";

  constructor(message: string, options?: ErrorOptions) {
    super(message.slice(0, launcherLimits.failureCharacters), options);
  }
}
