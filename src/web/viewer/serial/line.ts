import type { SerialNodeMessage } from "#wire/serial.ts";

/** Who is at the serial line, and who of them writes. */
export type Line = Omit<SerialNodeMessage & { readonly type: "line" }, "type">;

type LineViewer = Line["viewers"][number];

/** What this page may do at the line now. */
export type Part = "writes" | "watches" | "unwritten" | "looks";

/**
 * `writes`: what is typed goes to the machine. `watches`: somebody else writes. `unwritten`: nobody does, and it is to be had for the
 * asking. `looks`: this one never may.
 */
export function partOf({ you, writer, viewers }: Line): Part {
  if (writer === you) return "writes";
  if (viewers.find(({ viewer }) => viewer === you)?.mayWrite !== true) return "looks";
  return writer === undefined ? "unwritten" : "watches";
}

export function viewerOf({ viewers }: Line, number: number | undefined): LineViewer | undefined {
  return viewers.find(({ viewer }) => viewer === number);
}
