import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { ConfigError } from "#base/config.ts";
import { type Cloud, readCloud } from "./cloud.ts";

/** A cloud, with what its `cacert` holds: PEM. */
type KnownCloud = Omit<Cloud, "caFile"> & { readonly ca: string | undefined };

/** A clouds.yaml on disk. It is read again whenever control signs in, so what is changed there needs no restart. */
export interface CloudFile {
  readonly current: KnownCloud;
  /** Throws an Error that says what is wrong with the file, and leaves `current` as it is. */
  reread(): KnownCloud;
}

/** Throws a ConfigError where the file cannot be read or understood. */
export function openCloudFile(path: string): CloudFile {
  let current: KnownCloud;
  const reread = () => {
    const { caFile, ...cloud } = readCloud(readFileSync(path, "utf8"));
    const ca = caFile === undefined ? undefined : readFileSync(resolve(dirname(path), caFile), "utf8");
    current = { ...cloud, ca };
    return current;
  };
  try {
    current = reread();
  } catch (cause) {
    throw new ConfigError([
      `--nova-cloud ${path}: ${cause instanceof Error ? cause.message : String(cause)}`,
    ]);
  }
  return {
    get current() {
      return current;
    },
    reread,
  };
}
