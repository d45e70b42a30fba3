import { totalmem } from "node:os";

const MEBIBYTE = 1024 * 1024;

const limits = {
  /** What the process takes before anybody comes, with room for its heap to grow. */
  processBytes: 192 * MEBIBYTE,
  /**
   * Of one session at its worst: as much as may wait for its viewer, a read more, what it holds of a viewer's message, and
   * the kernel's buffers of two connections, which count where a container's memory is limited.
   */
  sessionBytes: MEBIBYTE,
  /** Of the memory that there is; the rest is the system's, and that of whatever else runs there. */
  share: 0.75,
  /** One node is one core, which is busy with fewer. */
  mostSessions: 5_000,
  /** However little memory there is said to be. */
  fewestSessions: 10,
} as const;

/**
 * How many sessions a node carries at most where nobody says it: as many as its memory bears, each at its worst. Nodes
 * beside each other, as `workers`, have one memory between them.
 */
export function sessionCeiling(
  maxSessions: number | null,
  {
    workers = 1,
    memoryBytes = memoryLimit(),
  }: { readonly workers?: number; readonly memoryBytes?: number } = {},
): number {
  if (maxSessions !== null) return maxSessions;
  const own = (memoryBytes * limits.share) / workers - limits.processBytes;
  const bearable = Math.floor(own / limits.sessionBytes);
  return Math.min(limits.mostSessions, Math.max(limits.fewestSessions, bearable));
}

/** The container's, where there is one: 0 and numbers beyond all memory stand for none. */
function memoryLimit(): number {
  const constrained = process.constrainedMemory();
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
}
