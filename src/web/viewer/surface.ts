import type { ConsoleChannel } from "./channel.ts";
import type { Attached } from "./connection.ts";

/** What shows a console and takes what is typed: noVNC's screen, or a terminal. */
export interface Surface {
  /** The console is there. Until then: look. What may be done the node enforces. */
  attached(message: Attached): void;
  /** What is still to be read of what was delivered, and a promise of when some of it is; nothing where all is read. */
  backlog(): { readonly bytes: number; readonly read: Promise<void> } | undefined;
  /** A copy of what is to be seen now, to be kept when the console ends; nothing where the surface itself stays. */
  lastFrame(): HTMLElement | undefined;
  label(name: string): void;
  focus(): void;
  /** Lets go of every key that is held down. */
  releaseKeys(): void;
  /** Nothing is shown and nothing taken any more. */
  close(): void;
}

export interface SurfaceListener {
  /** Something of the console is to be seen for the first time. */
  pictured(): void;
  /** It could not go on; `reason` is the node's, where it gave one. */
  failed(reason?: string): void;
}

export type ShowSurface<Shown extends Surface> = (
  channel: ConsoleChannel,
  listener: SurfaceListener,
) => Shown;

/** How consoles of one protocol are shown. */
export interface SurfaceKind<Shown extends Surface> {
  /** The node is told at the latest when so many more bytes were read. */
  readonly acknowledgeEveryBytes: number;
  /** Loads what it is made of, beside the connection's set-up. Rejects where that cannot be had. */
  load(): Promise<ShowSurface<Shown>>;
}
