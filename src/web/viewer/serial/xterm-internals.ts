import type { Terminal } from "@xterm/xterm";

/**
 * What we must know of xterm.js and it does not publish. The names are those of version 6.0.0, which package.json
 * pins; another version is taken only after they were looked at again.
 */
interface Core {
  writeSync(data: string): void;
  readonly _inputHandler: {
    readonly _curAttrData: { readonly extended: { readonly urlId: number } };
    _finishHyperlink(): boolean;
  };
}

/**
 * Reads the text now. The published way is a timer's, which browsers all but stop for hidden tabs, and it does not tell what
 * the terminal answers from what is typed meanwhile.
 */
export function readNow(terminal: Terminal, data: string): void {
  core(terminal).writeSync(data);
}

/** The number of the link (OSC 8) that what is read next is part of; 0 is none. */
export function openLink(terminal: Terminal): number {
  return core(terminal)._inputHandler._curAttrData.extended.urlId;
}

/** As if the machine had ended it. */
export function endLink(terminal: Terminal): void {
  core(terminal)._inputHandler._finishHyperlink();
}

function core(terminal: Terminal): Core {
  return (terminal as unknown as { readonly _core: Core })._core;
}
