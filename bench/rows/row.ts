import type { Name } from "../contestants/all.ts";
import type { StartContestant } from "../contestants/contestant.ts";

/** How much is measured, and how often. */
export interface Scale {
  readonly rounds: number;
  readonly warmUpSeconds: number;
  readonly windowSeconds: number;
  /** Consoles that are opened before opens are counted. */
  readonly warmUpOpens: number;
  /** How long memory must have been still. */
  readonly stillSeconds: number;
  readonly sessions: number;
  readonly floods: number;
  readonly idle: readonly [number, number];
  /** How many callers open consoles at once. */
  readonly callers: number;
  /** How many tickets are redeemed before redemptions are counted, and then. */
  readonly redemptions: { readonly warmUp: number; readonly counted: number };
  /** Of the name server, answered or not. */
  readonly questionsPerSecond: number;
  /** For contestants that start a process for every viewer: fewer of them, and longer, as they take longer. */
  readonly processPerViewer: {
    readonly idle: readonly [number, number];
    readonly warmUpOpens: number;
    readonly openSeconds: number;
  };
}

/** One contestant in one round: figures by the name of their metric. */
export type Trial = Readonly<Record<string, number>>;
export type Round = Partial<Readonly<Record<Name, Trial>>>;

export interface Metric {
  readonly label: string;
  readonly digits: number;
}

/** What Porthole is to reach: its figure in relation to another's, of the same round. */
export interface Goal {
  readonly what: string;
  readonly metric: string;
  /** Which Porthole, where not the one that is called so. */
  readonly of?: Name;
  readonly against: Name;
  readonly bound: { readonly atMost: number } | { readonly atLeast: number };
}

export interface Row {
  readonly number: number;
  title(scale: Scale): string;
  /** One after the other; those of a list at the same time, where nothing is timed. */
  readonly contestants: readonly (Name | readonly Name[])[];
  readonly metrics: Readonly<Record<string, Metric>>;
  readonly goals: readonly Goal[];
  /** What each contestant did, and what is to be known to read the figures. */
  readonly notes: readonly string[];
  measure(start: StartContestant, scale: Scale): Promise<Trial>;
  /** A run along the direct path that shows how much more the generators can do. */
  readonly control?: {
    readonly name: string;
    measure(start: StartContestant, scale: Scale): Promise<Trial>;
  };
  /** Figures that follow from several contestants of one round. */
  relate?(round: Round): Round;
}
