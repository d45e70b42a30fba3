import type { IBuffer } from "@xterm/xterm";

/** What of a terminal's buffer is read here, so that a test needs no terminal. */
export type ReadBuffer = Pick<IBuffer, "length"> & {
  getLine(
    index: number,
  ): { readonly isWrapped: boolean; translateToString(trimRight: boolean): string } | undefined;
};

/** All that a buffer holds, as text: lines that were wrapped are whole again, and empty ones at the end are left out. */
export function plainText(buffer: ReadBuffer): string {
  const lines: string[] = [];
  for (let index = 0; index < buffer.length; index++) {
    const line = buffer.getLine(index);
    if (line === undefined) continue;
    // Blanks at the end of what goes on in the next line are its own, and not what fills it.
    const goesOn = buffer.getLine(index + 1)?.isWrapped === true;
    const text = line.translateToString(!goesOn);
    if (line.isWrapped && lines.length > 0) lines.push(`${lines.pop() ?? ""}${text}`);
    else lines.push(text);
  }
  while (lines.at(-1) === "") lines.pop();
  return lines.length === 0 ? "" : `${lines.join("\n")}\n`;
}
