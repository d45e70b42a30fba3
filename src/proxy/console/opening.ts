import type { Grant } from "#wire/grant.ts";
import type { SerialAttached, SerialViewerMessage } from "#wire/serial.ts";
import type { UpstreamStep } from "#wire/upstream-step.ts";
import type { NodeMessage, Stage } from "#wire/viewer.ts";
import type { Deadlines } from "../deadlines.ts";
import type { Lines } from "../serial/lines.ts";
import type { SignIns } from "../sign-ins/sign-ins.ts";
import type { Conversation } from "./conversation.ts";
import type { ViewerFilter } from "./relay.ts";
import type { UpstreamLeg } from "./upstream-leg.ts";

/** What is told of a dial, and what ends it. */
export interface Connecting {
  readonly signal: AbortSignal;
  readonly onStep?: (step: UpstreamStep) => void;
}

/** Dials an upstream, paused. Throws a GatewayError, or the signal's reason. */
export type Connect = (connecting: Connecting) => Promise<UpstreamLeg>;

/** What a protocol gets to open a console with. */
export interface OpeningParts {
  readonly grant: Grant;
  /** The viewer's end of the handshake. What it says out of turn is kept for the next sequence, or for the relay. */
  readonly viewer: {
    readonly conversation: Conversation;
    readonly send: (bytes: Uint8Array) => void;
    /** Beside the console's bytes. Nobody hears it whose dialect has no words. */
    readonly tell: (message: NodeMessage) => void;
    readonly isBare: boolean;
  };
  /** Dials the grant's upstream, which must be allowed. */
  readonly connect: Connect;
  readonly signIns: SignIns;
  readonly onStage: (stage: Stage) => void;
  readonly deadlines: Deadlines;
  /** What of consoles several sessions share. */
  readonly lines: Lines;
  /** Aborts when the session is over before it is open. */
  readonly signal: AbortSignal;
}

/** A console that is ready to be relayed: its upstream is paused. */
export interface OpenConsole {
  readonly upstream: UpstreamLeg;
  /** What the viewer gets before the upstream's own bytes. */
  readonly toViewer: readonly Uint8Array[];
  readonly filter: (forward: (bytes: Uint8Array) => void) => ViewerFilter;
  /** How much may be on the way to a viewer that acknowledges; absent: what `porthole.v1` has for all. */
  readonly unacknowledgedBytes?: number;
  /** What a viewer is told of a serial line. */
  readonly serial?: SerialAttached;
  /** The viewer was told that it is attached, and got nothing of the console yet. */
  readonly onAttached?: () => void;
  /** What a viewer says beside the console's bytes. */
  readonly hear?: (message: SerialViewerMessage) => void;
}

/**
 * One protocol's way to open a console. Throws a GatewayError, after having said it to the viewer in the
 * protocol's own words, where it has any.
 */
export type Opening = (parts: OpeningParts) => Promise<OpenConsole>;
