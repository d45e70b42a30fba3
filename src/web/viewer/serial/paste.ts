export const pasteLimits = {
  /** What is longer belongs into a file, which goes to the machine by better ways than a serial line. */
  characters: 256 * 1024,
  /** From so many lines on somebody is asked before they are sent. */
  askFromLines: 5,
} as const;

interface Pace {
  /** Characters that are sent at once. */
  readonly characters: number;
  readonly pieceMs: number;
  /** After the end of a line, where whatever reads it starts to work. */
  readonly lineMs: number;
}

/**
 * A line has no way to say that it is full. Linux keeps 4096 characters for whoever is to read them, firmware 16: so the one pace
 * suits shells, and the other whatever loses characters with it.
 */
export const PACES = {
  normal: { characters: 32, pieceMs: 10, lineMs: 40 },
  slow: { characters: 1, pieceMs: 20, lineMs: 250 },
} as const satisfies Readonly<Record<string, Pace>>;
export type PaceName = keyof typeof PACES;
export const PACE_NAMES: readonly PaceName[] = ["normal", "slow"];

const BRACKET = { open: "\x1b[200~", close: "\x1b[201~" } as const;

/** A text as it goes out: line ends as Enter sends them, and nothing that a terminal would take for a key but those and Tab. */
export interface CleanText {
  readonly text: string;
  readonly lines: number;
  /** Control characters that were left out. An escape sequence out of a web page could be a command. */
  readonly dropped: number;
}

export function cleanText(raw: string): CleanText {
  const ended = raw.replace(/\r\n?|\n/g, "\r");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it is about.
  const text = ended.replace(/[\0-\x08\x0a-\x0c\x0e-\x1f\x7f-\x9f]/g, "");
  const breaks = text.split("\r").length - 1;
  return {
    text,
    lines: text === "" ? 0 : breaks + (text.endsWith("\r") ? 0 : 1),
    dropped: ended.length - text.length,
  };
}

/** Pieces of at most the pace's size, none of which holds more than one line, and no character in two. */
export function piecesOf(text: string, pace: PaceName): string[] {
  const size = PACES[pace].characters;
  return text.split(/(?<=\r)/).flatMap((line) => {
    const characters = [...line];
    const pieces: string[] = [];
    for (let from = 0; from < characters.length; from += size)
      pieces.push(characters.slice(from, from + size).join(""));
    return pieces;
  });
}

interface PasteOptions {
  readonly pace: PaceName;
  /** The program at the other end wants to be told where a pasted text begins and ends, and then takes it as one. */
  readonly bracketed: boolean;
  readonly send: (text: string) => void;
  /** Resolves after so many milliseconds and once the network takes more, or at once when cancelled. */
  readonly wait: (ms: number) => Promise<void>;
  readonly onProgress: (characters: number) => void;
  readonly signal: AbortSignal;
}

/** Sends a clean text piece by piece. Resolves to how many characters went out. */
export async function sendPieces(text: string, options: PasteOptions): Promise<number> {
  const { pace, bracketed, send, wait, onProgress, signal } = options;
  const { pieceMs, lineMs } = PACES[pace];
  let sent = 0;
  if (bracketed) send(BRACKET.open);
  for (const piece of piecesOf(text, pace)) {
    if (signal.aborted) break;
    send(piece);
    sent += piece.length;
    onProgress(sent);
    await wait(piece.endsWith("\r") && !bracketed ? lineMs : pieceMs);
  }
  // Also of one that was cancelled: without its end, all that is typed would still belong to it.
  if (bracketed) send(BRACKET.close);
  return sent;
}
