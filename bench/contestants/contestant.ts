/** What is measured: a way for viewers to the consoles of one upstream, and the processes that it takes. */
import type { Entrance } from "../load/entrance.ts";
import type { Redeeming, RedeemOptions } from "./redeeming.ts";

export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface Contestant extends AsyncDisposable {
  /** Its processes, by what they are; their descendants count as well. */
  readonly processes: Readonly<Record<string, number>>;
  readonly entrance: Entrance;
  /** It starts a process for every viewer, which costs so much that fewer viewers show it as well. */
  readonly processPerViewer?: true;
  /** Lets one caller have this many consoles that were asked for and not opened. Absent: nobody counts them. */
  allowUnopened?(count: number): Promise<void>;
  /** Issues so many tickets, for somebody to redeem them without opening a console. */
  redeeming?(options: RedeemOptions): Promise<Redeeming>;
  /** Answers for names by UDP. */
  answering?(): Promise<{ readonly port: number; readonly names: readonly string[] }>;
}

export type StartContestant = (upstream: Address) => Promise<Contestant>;
