import type { IncomingMessage } from "node:http";

const limits = {
  /** More than any body that is taken. Who sends more than this beyond the bound is cut off. */
  bytes: 16 * 1024 * 1024,
  /** For the rest to arrive. */
  ms: 5_000,
} as const;

/**
 * Reads and drops what is left of a request that is refused before it has arrived, and resolves when nothing is, or when
 * the bounds are reached. To be awaited before an answer with `connection: close`: a connection that is closed with
 * unread bytes is reset, and a sender that is still writing then loses the answer and learns nothing of why
 * (RFC 9112, section 9.6).
 */
export async function discardRest(
  request: IncomingMessage,
  { bytes, ms }: { readonly bytes: number; readonly ms: number } = limits,
): Promise<void> {
  if (request.complete || request.destroyed) return;
  await new Promise<void>((resolve) => {
    let left = bytes;
    const count = (chunk: Buffer) => {
      left -= chunk.length;
      if (left < 0) finish();
    };
    const finish = () => {
      clearTimeout(deadline);
      request.off("data", count).off("end", finish).off("close", finish);
      request.pause();
      resolve();
    };
    const deadline = setTimeout(finish, ms);
    request.on("data", count).on("end", finish).on("close", finish).resume();
  });
}
