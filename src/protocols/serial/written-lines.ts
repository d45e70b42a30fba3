/** What of a buffer of xterm.js, or of what it is without a screen, is read here. */
export interface WrittenBuffer {
  readonly length: number;
  getLine(
    index: number,
  ): { readonly isWrapped: boolean; translateToString(trimRight: boolean): string } | undefined;
}

/**
 * All that a terminal's buffer holds, as text: what it has broken because it is too narrow is one line. What is empty at the end has not been
 * written to.
 */
export function writtenLines(buffer: WrittenBuffer): string[] {
  const lines: string[] = [];
  for (let index = 0; index < buffer.length; index += 1) {
    const line = buffer.getLine(index);
    // Behind the last row of a full buffer xterm.js would give the first one again.
    const goesOn = index + 1 < buffer.length && buffer.getLine(index + 1)?.isWrapped === true;
    // Blanks at the end of what goes on in the next row are its own, and not what fills it.
    const text = line?.translateToString(!goesOn) ?? "";
    if (line?.isWrapped === true) lines.push(`${lines.pop() ?? ""}${text}`);
    else lines.push(text);
  }
  while (lines.at(-1) === "") lines.pop();
  return lines;
}
