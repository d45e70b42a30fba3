import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** One hash over files, and over all files below directories; names count as well as contents. */
export function digest(root, paths) {
  const hash = createHash("sha256");
  for (const path of paths.flatMap((each) => filesBelow(root, each))) {
    hash
      .update(`${path}\0`)
      .update(readFileSync(join(root, path)))
      .update("\0");
  }
  return hash.digest("hex");
}

function filesBelow(root, path) {
  const whole = join(root, path);
  if (!existsSync(whole)) return [];
  if (!statSync(whole).isDirectory()) return [path];
  return readdirSync(whole)
    .sort()
    .flatMap((name) => filesBelow(root, join(path, name)));
}

/** A stamp lies inside what it vouches for, so that both vanish together. */
export function isStamped(path, value) {
  try {
    return readFileSync(path, "utf8") === value;
  } catch {
    return false;
  }
}

export function stamp(path, value) {
  writeFileSync(path, value);
}
