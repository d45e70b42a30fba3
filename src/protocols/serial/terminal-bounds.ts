/**
 * What must be known of xterm.js, and of what it is without a screen, and neither publishes. The names are those of version 6.0.0, which
 * package.json pins; another version is taken only after they were looked at again.
 */
interface Terminal {
  readonly cols: number;
  readonly rows: number;
  readonly _core: {
    /** Comes before what the terminal does itself, which goes by the same numbers. */
    registerCsiHandler(id: { readonly final: string }, handler: (numbers: Numbers) => boolean): unknown;
    readonly _inputHandler: {
      readonly _parser: { readonly _oscParser: StringParser; readonly _dcsParser: StringParser };
    };
  };
}

interface Numbers {
  readonly params: Int32Array;
}

interface StringParser {
  readonly _handlers: Readonly<Record<string, readonly StringHandler[]>>;
}

interface StringHandler {
  /** So far. */
  _data: string;
  /** It is too long: nothing more is kept of it, and at its end nothing done. */
  _hitLimit: boolean;
  put(codes: Uint32Array, start: number, end: number): void;
}

/** Sequences that are done as often as their number says, one after the other, and what they cannot do more often than. */
const REPEATED = {
  rows: ["L", "M", "S", "T"], // IL DL SU SD
  cols: ["b", "I", "Z"], // REP CHT CBT
} as const;

/**
 * Bounds what a machine can make a terminal of xterm.js do and keep, which of itself scrolls two thousand million lines for twelve bytes, and
 * keeps a title of ten million characters in three hundred megabytes. Comes behind whatever else hears control strings.
 */
export function boundTerminal(
  terminal: object,
  { stringCharacters }: { readonly stringCharacters: number },
): void {
  const bounded = terminal as Terminal;
  const core = bounded._core;
  for (const size of ["rows", "cols"] as const)
    for (const final of REPEATED[size])
      core.registerCsiHandler({ final }, ({ params }) => {
        params[0] = Math.min(params[0] ?? 0, bounded[size]);
        return false;
      });
  const { _oscParser, _dcsParser } = core._inputHandler._parser;
  for (const parser of [_oscParser, _dcsParser])
    for (const handler of Object.values(parser._handlers).flat()) boundString(handler, stringCharacters);
}

function boundString(handler: StringHandler, characters: number): void {
  const put = handler.put.bind(handler);
  handler.put = (codes, start, end) => {
    if (handler._data.length + end - start <= characters) {
      put(codes, start, end);
      return;
    }
    handler._data = "";
    handler._hitLimit = true;
  };
}
