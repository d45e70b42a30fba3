import { enableCompileCache } from "node:module";
import { fileURLToPath } from "node:url";

/** Beside the sources: where it cannot be written, they cannot be changed either, and nothing is kept. */
export const COMPILE_CACHE = fileURLToPath(new URL("../../../.cache/compiled", import.meta.url));

/**
 * Keeps what Node made of our sources for the next process, which then starts in half the time and, since it loads no
 * compiler of TypeScript, is twenty megabytes smaller. An operator's own NODE_COMPILE_CACHE or NODE_DISABLE_COMPILE_CACHE goes
 * before.
 */
export function keepCompiled(): void {
  enableCompileCache(COMPILE_CACHE);
}
