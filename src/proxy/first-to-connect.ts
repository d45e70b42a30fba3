import { isIPv6, type Socket } from "node:net";
import { ignoreError } from "./ignore-error.ts";

/** RFC 8305 §5: how long one of several addresses may take before the next is tried beside it. */
const ATTEMPT_DELAY_MS = 250;

/**
 * RFC 8305 §4: the order in which they are tried, each family in its turn, beginning with that of the first. The resolver has
 * them in the order of RFC 6724 already, with IPv6 first where this machine has it.
 */
export function interleaved(addresses: readonly string[]): readonly string[] {
  const [first = ""] = addresses;
  const isFirstKind = (address: string) => isIPv6(address) === isIPv6(first);
  const [firsts, others] = [addresses.filter(isFirstKind), addresses.filter((one) => !isFirstKind(one))];
  return Array.from({ length: Math.max(firsts.length, others.length) }, (_, index) => [
    ...firsts.slice(index, index + 1),
    ...others.slice(index, index + 1),
  ]).flat();
}

/**
 * RFC 8305 §5: connects to whichever address answers first. One is tried when the one before it has failed, or has not answered
 * for a while; that one goes on beside it, so an address that is merely slow is not given up. Node's own way cuts it off.
 * `connect` makes a socket that is connecting. Rejects with the signal's reason, or with an AggregateError.
 */
export async function firstToConnect(
  addresses: readonly string[],
  connect: (address: string) => Socket,
  signal: AbortSignal,
): Promise<Socket> {
  signal.throwIfAborted();
  const waiting = [...interleaved(addresses)];
  const tried = new Set<Socket>();
  const errors: Error[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  let timer: NodeJS.Timeout | undefined;

  const tryNext = () => {
    clearTimeout(timer);
    const address = waiting.shift();
    if (address === undefined) return;
    if (waiting.length > 0) timer = setTimeout(tryNext, ATTEMPT_DELAY_MS);
    const socket = connect(address);
    tried.add(socket);
    const failed = (error: Error) => {
      errors.push(error);
      if (waiting.length > 0) tryNext();
      else if (errors.length === tried.size)
        reject(new AggregateError(errors, "no address could be connected to"));
    };
    socket.once("error", failed);
    socket.once("connect", () => {
      // A console is open for hours, and would keep all others that were tried.
      socket.off("error", failed).on("error", ignoreError);
      resolve(socket);
    });
  };
  const abort = () => reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  try {
    tryNext();
    const connected = await promise;
    tried.delete(connected);
    return connected;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", abort);
    for (const socket of tried) {
      socket.on("error", ignoreError); // The outcome is told already; its echoes are not.
      socket.destroy();
    }
  }
}
