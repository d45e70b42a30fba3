import { effect, signal, untracked } from "@preact/signals";
import { printable } from "#wire/gateway-error.ts";
import { viewerLimits } from "#wire/viewer.ts";
import { ConsoleKeys } from "./console-keys.ts";
import { ConsoleSession } from "./console-session.ts";
import { Screen } from "./screen.ts";
import type { ShowSurface } from "./surface.ts";
import type { TabMemory } from "./tab-memory.ts";

export const clipboardLimits = {
  /** Either way; what is longer belongs into a file. */
  characters: 256 * 1024,
} as const;

export interface GuestText {
  /** Cut to clipboardLimits. */
  readonly text: string;
  /** Characters that the machine's clipboard really holds. */
  readonly characters: number;
}

/** A console with a picture, and what it has beside what every console has. */
export class VncConsole {
  readonly session: ConsoleSession<Screen>;
  readonly keys: ConsoleKeys;
  readonly desktopName = signal("");
  readonly canPower = signal(false);
  readonly clipping = signal(false);
  readonly guestText = signal<GuestText | undefined>(undefined);
  readonly #host: HTMLElement;

  constructor(page: URL, { host, memory }: { readonly host: HTMLElement; readonly memory: TabMemory }) {
    this.#host = host;
    this.session = new ConsoleSession(page, {
      kind: {
        acknowledgeEveryBytes: viewerLimits.acknowledgeEveryBytes,
        load: async () => await this.#load(),
      },
      memory,
      letGo: () => this.keys.releaseAll(),
    });
    this.keys = new ConsoleKeys(this.session.screen);
    effect(() => {
      if (this.session.screen.value === undefined) untracked(() => this.#over());
    });
  }

  sendText(text: string): void {
    this.session.screen.value?.sendClipboard(text);
  }

  async #load(): Promise<ShowSurface<Screen>> {
    const { default: Rfb } = await import("@novnc/novnc");
    return (channel, surfaceListener) => {
      const listener = {
        ...surfaceListener,
        clipboard: (text: string) => {
          const cut = text.slice(0, clipboardLimits.characters);
          this.guestText.value = { text: cut, characters: text.length };
        },
        named: (name: string) => {
          this.desktopName.value = printable(name);
        },
        power: (can: boolean) => {
          this.canPower.value = can;
        },
        clipping: (on: boolean) => {
          this.clipping.value = on;
        },
      };
      return new Screen(Rfb, this.#host, { channel, listener });
    };
  }

  #over(): void {
    this.keys.stop();
    this.canPower.value = false;
    this.clipping.value = false;
  }
}
