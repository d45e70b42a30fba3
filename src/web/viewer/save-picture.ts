import type { ConsoleSession } from "./console-session.ts";

/** Saves the whole picture, in its own size, as a file on this computer. */
export async function savePicture(session: ConsoleSession): Promise<void> {
  const picture = await session.screen.value?.picture();
  if (picture === null || picture === undefined) return;
  const url = URL.createObjectURL(picture);
  const link = document.createElement("a");
  link.href = url;
  link.download = pictureName(session.machine.value ?? "", new Date());
  link.click();
  URL.revokeObjectURL(url);
}

/** A file's name out of a machine's: of letters, digits and dashes, with the time, which sorts. */
export function pictureName(machine: string, at: Date): string {
  const name = machine
    .replace(/[^\p{L}\p{N}._-]+/gu, "-")
    .replace(/^[.-]+|[.-]+$/g, "")
    .slice(0, 64);
  const time = at.toISOString().slice(0, 19).replaceAll(":", "-");
  return `${name === "" ? "console" : name}-${time}.png`;
}
