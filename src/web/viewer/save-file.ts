/** Has the browser keep something of the console as a file on this computer. */
export function saveFile(content: Blob, name: string): void {
  const url = URL.createObjectURL(content);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}

/** A file's name out of a machine's: of letters, digits and dashes, with the time, which sorts. */
export function fileName(machine: string, at: Date, extension: string): string {
  const name = machine
    .replace(/[^\p{L}\p{N}._-]+/gu, "-")
    .replace(/^[.-]+|[.-]+$/g, "")
    .slice(0, 64);
  const time = at.toISOString().slice(0, 19).replaceAll(":", "-");
  return `${name === "" ? "console" : name}-${time}.${extension}`;
}
