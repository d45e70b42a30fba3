import type { IDisposable, Terminal } from "@xterm/xterm";
import { printable } from "#wire/gateway-error.ts";

/** What a machine may say in escape sequences beside what is drawn. It is the machine's, so all of it is mistrusted. */
export const escapeLimits = {
  /** Of a title, which stands in a panel. */
  titleCharacters: 200,
  /** Of an address behind a link. Each cell that shows it keeps it. */
  linkCharacters: 2048,
  /** Links that lead somewhere, or lines of them: each is kept for as long as its line is, and looked at whenever a line scrolls off. */
  links: 1000,
  /** Of text that is one link. A link that nobody ended makes all that comes part of it. */
  linkedCharacters: 8 * 1024,
  /** Of text for the clipboard, in base64. */
  clipboardCharacters: 256 * 1024,
  /** Of any control string, most of which are shorter than what is for the clipboard. */
  stringCharacters: 257 * 1024,
} as const;

interface EscapeListener {
  titled(title: string): void;
  /** The machine would put text into the clipboard. */
  copied(text: string): void;
}

/** Comes before what xterm.js does with OSC 0, 1, 2, 8 and 52. */
export function guardEscapes(
  terminal: Pick<Terminal, "parser" | "markers">,
  listener: EscapeListener,
): IDisposable[] {
  const { parser } = terminal;
  const title = (text: string) => {
    listener.titled(titleOf(text));
    return true;
  };
  return [
    parser.registerOscHandler(0, title),
    parser.registerOscHandler(2, title),
    // The name of an icon, which nothing here has.
    parser.registerOscHandler(1, () => true),
    // True ends it here; false leaves it to xterm.js, which makes links of the web's addresses alone.
    parser.registerOscHandler(8, (data) => isLink(data) && !mayLink(data, terminal.markers.length)),
    parser.registerOscHandler(52, (data) => {
      const text = clipboardOf(data);
      if (text !== undefined) listener.copied(text);
      return true;
    }),
  ];
}

/** Whether it begins one. What ends one names no address, and is always heard. */
function isLink(data: string): boolean {
  return data.indexOf(";") !== data.length - 1;
}

function mayLink(data: string, links: number): boolean {
  return data.length <= escapeLimits.linkCharacters && links < escapeLimits.links;
}

export function titleOf(text: string): string {
  return printable(text.slice(0, escapeLimits.titleCharacters));
}

/** A link's address as the browser would go to it, so that nothing in it looks like something else; nothing where it may not. */
export function webAddress(address: string): string | undefined {
  const url = URL.parse(address);
  return url !== null && /^https?:$/.test(url.protocol) ? url.href : undefined;
}

/** The text out of OSC 52's `selection;base64`. The question what the clipboard holds, `?`, is never answered. */
export function clipboardOf(data: string): string | undefined {
  const encoded = data.slice(data.indexOf(";") + 1);
  if (encoded === "" || encoded.length > escapeLimits.clipboardCharacters) return undefined;
  try {
    const bytes = Uint8Array.from(atob(encoded), (character) => character.charCodeAt(0));
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
