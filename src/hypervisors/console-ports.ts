import type { Secret } from "#base/secret.ts";

/** Where the console of one machine is while it is open to somebody, and what opens it. */
export interface ConsolePort {
  readonly host: string;
  readonly port: number;
  readonly password: Secret;
}

interface WantedPort {
  /** By its address. */
  readonly machine: string;
  /** Where it runs, as nodes dial it. */
  readonly host: string;
  /** The first of them that is free is taken, unless it has one on that host. */
  readonly ports: readonly number[];
  /** Of a port that is taken now; one that it has keeps its own. */
  readonly password: Secret;
}

/**
 * Which port of a host each machine of one hypervisor has for its console, on platforms where whoever opens one has to choose it. Control
 * keeps that for all its replicas: no port is given to two machines, and a machine has one however many look at it.
 */
export interface ConsolePorts {
  /** What the machine has; undefined while it has none, or is just losing it. */
  of(machine: string): Promise<ConsolePort | undefined>;
  /** `full`: none of them is free; `closing`: the machine's own is just being taken off it. */
  take(wanted: WantedPort): Promise<ConsolePort | "full" | "closing">;
  /**
   * Somebody has left. `closing`: nobody looks at the machine any more, and whoever is told so takes its port off it, and frees it then.
   * Until that is done, or has taken too long, the machine is given none, and another who leaves is told that it is `busy`.
   */
  leave(machine: string): Promise<"kept" | "closing" | "busy">;
  /** It was taken off the machine. */
  free(machine: string): Promise<void>;
}
