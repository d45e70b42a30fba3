import type { Duplex } from "node:stream";
import { ProtocolError } from "#base/protocol-error.ts";
import { type Sequence, SequenceDriver } from "#base/sequence.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import { ignoreError } from "./ignore-error.ts";

interface Answering<Result> {
  readonly answer: Sequence<Result>;
  /** What it means that something else is said. */
  readonly isWrong: (cause: ProtocolError) => GatewayError;
  readonly signal: AbortSignal;
}

/**
 * Reads an answer to its last byte, and puts back what was read behind it; the stream is paused then. Throws `upstream_lost`, `upstream_closed`, what
 * `isWrong` makes of another answer, or the signal's reason, and the stream is gone.
 */
export async function answered<Result>(
  stream: Duplex,
  { answer, isWrong, signal }: Answering<Result>,
): Promise<Result> {
  const head = new SequenceDriver(answer);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const onData = (chunk: Buffer) => {
    try {
      head.push(chunk);
      if (!head.done) return;
      // Before anything else is read.
      stream.pause();
      resolve();
    } catch (error) {
      reject(error instanceof ProtocolError ? isWrong(error) : error);
    }
  };
  const onError = (cause: unknown) => reject(new GatewayError("upstream_lost", { cause }));
  const onEnd = () => reject(new GatewayError("upstream_closed"));
  const onAbort = () => reject(signal.reason);
  stream.on("data", onData).on("error", onError).on("end", onEnd).on("close", onEnd);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    signal.throwIfAborted();
    if (stream.destroyed) throw new GatewayError("upstream_lost", { cause: stream.errored });
    stream.resume();
    await promise;
  } catch (error) {
    stream.on("error", ignoreError).destroy();
    throw error;
  } finally {
    stream.off("data", onData).off("error", onError).off("end", onEnd).off("close", onEnd);
    signal.removeEventListener("abort", onAbort);
  }
  const { rest } = head;
  if (rest.length > 0) stream.unshift(Buffer.from(rest));
  return head.result;
}
