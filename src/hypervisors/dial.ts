import { connect, type NetConnectOpts, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from "node:tls";
import type { HypervisorStep } from "#wire/hypervisors.ts";
import { HypervisorError } from "./hypervisor-error.ts";

/** Connects to a hypervisor. Throws a HypervisorError with the step that failed, or the signal's reason. */
export async function dial(
  target: NetConnectOpts,
  step: "tcp" | "socket",
  signal: AbortSignal,
): Promise<Socket> {
  const socket = connect(target);
  await settled(socket, { event: "connect", step, signal });
  return socket;
}

/** Puts TLS over a connection. What cannot be read, or does not belong together, Node says at once. Throws a HypervisorError. */
export function beginTls(socket: Socket, options: ConnectionOptions): TLSSocket {
  try {
    return connectTls({ ...options, socket });
  } catch (cause) {
    socket.destroy();
    const said = cause instanceof Error ? cause.message : String(cause);
    throw new HypervisorError("credentials", `what there is for TLS cannot be used: ${said}`, { cause });
  }
}

/** Waits for the event; an error or an end before it, and the signal, destroy the stream. Throws as `dial`. */
export async function settled(
  stream: Duplex,
  options: {
    readonly event: string;
    readonly step: HypervisorStep;
    readonly signal: AbortSignal;
    /** What it means that the stream ended first. */
    readonly ended?: string;
  },
): Promise<void> {
  const { event, step, signal, ended = "the connection was closed" } = options;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const onError = (cause: NodeJS.ErrnoException) =>
    reject(
      new HypervisorError(cause.syscall === "getaddrinfo" ? "dns" : step, messageOf(cause, options), {
        cause,
      }),
    );
  const onEnd = () => reject(new HypervisorError(step, ended));
  const onAbort = () => reject(late(signal, step));
  const onEvent = () => resolve();
  stream.once(event, onEvent).once("error", onError).once("close", onEnd);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    signal.throwIfAborted();
    await promise;
  } catch (error) {
    stream.on("error", () => {});
    stream.destroy();
    throw error;
  } finally {
    stream.off(event, onEvent).off("error", onError).off("close", onEnd);
    signal.removeEventListener("abort", onAbort);
  }
}

/** A signal that is a deadline says at which step it struck; another has a reason of its own. */
export function late(signal: AbortSignal, step: HypervisorStep): unknown {
  const isDeadline = signal.reason instanceof DOMException && signal.reason.name === "TimeoutError";
  return isDeadline
    ? new HypervisorError(step, "no answer in time", { cause: signal.reason })
    : signal.reason;
}

const UNKNOWN_ISSUER: ReadonlySet<string> = new Set([
  "UNABLE_TO_GET_ISSUER_CERT",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
]);

/** Of several addresses Node says each one's failure, and of the whole nothing. */
function messageOf(cause: NodeJS.ErrnoException, { ended }: { readonly ended?: string }): string {
  // Node's own advice is to start Node otherwise.
  if (UNKNOWN_ISSUER.has(cause.code ?? ""))
    return `nobody who is trusted here has signed its certificate (${cause.code}): give the authority that has, with --ca-file`;
  if (cause instanceof AggregateError)
    return cause.errors
      .map((each: unknown) => (each instanceof Error ? each.message : String(each)))
      .join("; ");
  return ended === undefined ? cause.message : `${ended}: ${cause.message}`;
}
