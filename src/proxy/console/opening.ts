import type { Grant } from "#wire/grant.ts";
import type { Stage } from "#wire/viewer.ts";
import type { Deadlines } from "../deadlines.ts";
import type { Conversation } from "./conversation.ts";
import type { ViewerFilter } from "./relay.ts";
import type { UpstreamLeg } from "./upstream-leg.ts";

/** What a protocol gets to open a console with. */
export interface OpeningParts {
  readonly grant: Grant;
  /** The viewer's end of the handshake. What it says out of turn is kept for the next sequence, or for the relay. */
  readonly viewer: { readonly conversation: Conversation; readonly send: (bytes: Uint8Array) => void };
  /** Dials the grant's upstream, which must be allowed. */
  readonly connect: () => Promise<UpstreamLeg>;
  readonly onStage: (stage: Stage) => void;
  readonly deadlines: Deadlines;
  /** Aborts when the session is over before it is open. */
  readonly signal: AbortSignal;
}

/** A console that is ready to be relayed: its upstream is paused. */
export interface OpenConsole {
  readonly upstream: UpstreamLeg;
  /** What the viewer gets before the upstream's own bytes. */
  readonly toViewer: readonly Uint8Array[];
  readonly filter: (forward: (bytes: Uint8Array) => void) => ViewerFilter;
}

/**
 * One protocol's way to open a console. Throws a GatewayError, after having said it to the viewer in the
 * protocol's own words, where it has any.
 */
export type Opening = (parts: OpeningParts) => Promise<OpenConsole>;
