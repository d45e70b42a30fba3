import { open, readlink, realpath } from "node:fs/promises";

/** Linux: the file is named by the descriptor, and not opened. Node has no name for it. */
const O_PATH = 0o10_000_000;

/** A UNIX socket that is to be connected to, or what stands at its path. */
export interface HeldSocket extends AsyncDisposable {
  /** Where it is, every link followed. */
  readonly real: string;
  /** What is connected to. */
  readonly target: string;
}

/**
 * Takes hold of what a path leads to, so that what is judged is what is connected to: whoever may write into the folder can put a
 * link in its place a moment later, and the kernel follows links when it connects. What is held stays the same file, whatever its
 * path leads to by then. Undefined where there is nothing.
 */
export async function holdSocket(path: string): Promise<HeldSocket | undefined> {
  return process.platform === "linux" ? await holdByDescriptor(path) : await holdByPath(path);
}

async function holdByDescriptor(path: string): Promise<HeldSocket | undefined> {
  const handle = await open(path, O_PATH).catch(() => undefined);
  if (handle === undefined) return undefined;
  const target = `/proc/self/fd/${handle.fd}`;
  try {
    const real = await readlink(target);
    return { real, target, [Symbol.asyncDispose]: async () => await handle.close() };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** Elsewhere, where nodes are tried and not run, a moment remains in which the path can be changed. */
async function holdByPath(path: string): Promise<HeldSocket | undefined> {
  const real = await realpath(path).catch(() => undefined);
  return real === undefined ? undefined : { real, target: real, [Symbol.asyncDispose]: async () => {} };
}
