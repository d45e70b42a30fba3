import { type Static, Type } from "typebox";

/**
 * What a viewer and a node say to each other of a serial line beside its bytes, in text frames of `porthole.v1`
 * (docs/protocol/serial.md). Of one line there is one connection, which everybody who opens it on a node shares: one
 * viewer writes, the others watch.
 */
export const serialLimits = {
  /**
   * Console bytes that may be on the way to a viewer of a serial line, sent and not acknowledged. A terminal takes ten
   * megabytes a second or so: what was asked to stop is over within a part of a second.
   */
  unacknowledgedBytes: 512 * 1024,
  /** A viewer of a serial line acknowledges at the latest when it has consumed this much more. */
  acknowledgeEveryBytes: 64 * 1024,
  /** Who may be at one line at once, whoever writes included. */
  viewers: 16,
  /** How long whoever writes may think about it when another asks to. Then he is taken to be away, and the other writes. */
  answerMs: 30_000,
  /** Of a terminal: more than a screen has, less than what costs memory. */
  columns: 500,
  rows: 200,
} as const;

/** The node's terminal, and a viewer's before it is told otherwise: a line itself has no size. */
export const DEFAULT_SIZE = { columns: 80, rows: 24 } as const;

/** In `attached`, of a serial console. */
export const SerialAttached = Type.Object({
  /** Whether `break` reaches the machine: only where the line is spoken to by telnet. */
  takesBreak: Type.Boolean(),
  /** Whether `size` reaches the machine; elsewhere it is told to who watches, and nobody else. */
  takesSize: Type.Boolean(),
});
export type SerialAttached = Static<typeof SerialAttached>;

/** Somebody at the line. The number is his for as long as he is there, and on this line nobody else's. */
const LineViewer = Type.Object({
  viewer: Type.Integer({ minimum: 1 }),
  /** The account that opened it. Absent where control is older. */
  name: Type.Optional(Type.String()),
  mayWrite: Type.Boolean(),
});

const Columns = Type.Integer({ minimum: 2, maximum: serialLimits.columns });
const Rows = Type.Integer({ minimum: 1, maximum: serialLimits.rows });

/** Whether it was given; whoever writes said no; nobody is to be asked, since the asker may not write; he took it back. */
const ANSWERS = ["given", "refused", "forbidden", "withdrawn"] as const;
export type Answer = (typeof ANSWERS)[number];

/** Why there is a screen to be restored: who comes finds one, or who fell behind has missed some of it. */
const RESTORED_BECAUSE = ["attached", "behind"] as const;
export type RestoredBecause = (typeof RESTORED_BECAUSE)[number];

/** From the node to the viewer. */
export const SERIAL_NODE_MESSAGES = [
  /**
   * Who is at the line: right behind `attached`, and with every change. Without `writer` nobody writes, and whoever may
   * and asks does at once. What a viewer sends that does not write is thrown away, so it sends nothing: not what is typed, and not
   * what its terminal answers to queries.
   */
  Type.Object({
    type: Type.Literal("line"),
    you: Type.Integer({ minimum: 1 }),
    writer: Type.Optional(Type.Integer({ minimum: 1 })),
    viewers: Type.Array(LineViewer),
  }),
  /**
   * To whoever writes: this one asks to. It is answered with `hand-over` or with `refuse`; after `inMs` it is handed over.
   * `line` says it when that is off the table: there is another writer then, or the viewer is gone; or `asked` without `viewer`
   * comes, when it was taken back.
   */
  Type.Object({
    type: Type.Literal("asked"),
    viewer: Type.Optional(Type.Integer({ minimum: 1 })),
    inMs: Type.Optional(Type.Integer({ minimum: 0 })),
  }),
  /** To whoever asked. */
  Type.Object({ type: Type.Literal("answered"), answer: Type.Enum([...ANSWERS]) }),
  /**
   * The next `bytes` console bytes, in as many binary frames as it takes, are no output of now: they draw the screen and
   * what has scrolled off it. The terminal is reset before them. They are acknowledged as all others are. Behind them the line goes on.
   */
  Type.Object({
    type: Type.Literal("restored"),
    bytes: Type.Integer({ minimum: 0 }),
    because: Type.Enum([...RESTORED_BECAUSE]),
  }),
  /** How large the terminal of whoever writes is. Before `restored`, and with every change. */
  Type.Object({ type: Type.Literal("size"), columns: Columns, rows: Rows }),
] as const;

/** From the viewer to the node. All but `ask` counts of whoever writes alone. */
export const SERIAL_VIEWER_MESSAGES = [
  /** It wants to write. The answer is `answered`, at once where nobody writes. */
  Type.Object({ type: Type.Literal("ask") }),
  /** Of whoever asked: not any more. */
  Type.Object({ type: Type.Literal("withdraw") }),
  /** This one writes from now on, whether it asked or not; it must be one that may. Without `to`: nobody does. */
  Type.Object({ type: Type.Literal("hand-over"), to: Type.Optional(Type.Integer({ minimum: 1 })) }),
  /** Who asks is not given it. */
  Type.Object({ type: Type.Literal("refuse") }),
  /** The break signal, where `attached` said `takesBreak`. */
  Type.Object({ type: Type.Literal("break") }),
  /** How large its terminal is. */
  Type.Object({ type: Type.Literal("size"), columns: Columns, rows: Rows }),
] as const;

const SerialNodeMessage = Type.Union([...SERIAL_NODE_MESSAGES]);
export type SerialNodeMessage = Static<typeof SerialNodeMessage>;
const SerialViewerMessage = Type.Union([...SERIAL_VIEWER_MESSAGES]);
export type SerialViewerMessage = Static<typeof SerialViewerMessage>;
