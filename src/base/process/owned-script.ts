import { accessSync, constants, realpathSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";

/**
 * A script in a directory of the operator's, no link any more. Whoever may write it, or put another in its place, can do what
 * this process can: only its owner may be one, and it stands in that directory itself, since nothing is known of who may
 * write elsewhere. Throws an Error that says what is wrong; `origin` is how the directory was named.
 */
export function ownedScript(directory: string, name: string, origin: string): string {
  if (basename(name) !== name || name.startsWith(".") || name === "")
    throw new Error(`must be the name of a file in ${origin}`);
  const folder = realpathSync(directory);
  const file = realpathSync(join(folder, name));
  if (dirname(file) !== folder) throw new Error(`is a link to ${file}, outside of ${origin}`);
  for (const path of [folder, file]) checkOwner(path);
  for (let above = dirname(folder); above !== dirname(above); above = dirname(above)) checkAbove(above);
  if (!statSync(file).isFile()) throw new Error(`${file} is not a file`);
  accessSync(file, constants.X_OK);
  return file;
}

function checkOwner(path: string): void {
  const { mode, uid } = statSync(path);
  if ((mode & 0o022) !== 0) throw new Error(`${path} can be written by others than its owner`);
  if (uid !== 0 && uid !== process.getuid?.())
    throw new Error(`${path} belongs neither to root nor to the user of this process`);
}

/** In a directory that anybody may write to, anybody may put another in the place of what is below, unless it is sticky as /tmp is. */
function checkAbove(path: string): void {
  const { mode } = statSync(path);
  if ((mode & 0o002) !== 0 && (mode & 0o1000) === 0) throw new Error(`${path} can be written by everybody`);
}
