import { lookup } from "node:dns/promises";
import { once } from "node:events";
import { realpath } from "node:fs/promises";
import { connect, isIP, type OnReadOpts, type Socket } from "node:net";
import type { ErrorCode } from "#wire/errors.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { Upstream } from "#wire/grant.ts";
import { allowsAddress, allowsPath, type UpstreamAllow } from "#wire/upstream-allow.ts";
import { DeadlineError, withDeadline } from "./deadline.ts";
import { ignoreError } from "./ignore-error.ts";

type Address = Upstream["address"];

const limits = {
  /** Of a name with more addresses the first ones are tried; the rest could only be tried after the deadline. */
  addresses: 8,
} as const;

/** How long one of several addresses may take before the next is tried beside it (RFC 8305). */
const NEXT_ADDRESS_MS = 1_000;

/** A peer that vanished without a word is found out after about this long, and not only when something is sent. */
const KEEP_ALIVE_MS = 60_000;

export interface DialOptions {
  readonly allow: UpstreamAllow;
  readonly deadlineMs: number;
  /** Ends the dialling when nobody waits for it any more. */
  readonly signal: AbortSignal;
  /** Where the socket is to read to. */
  readonly onread?: OnReadOpts;
}

/**
 * Connects to a console, if the operator allows it. A name is resolved once, what it resolved to is judged, and
 * exactly that is dialled, so it makes no difference how an address is spelled or what the name says next. The socket
 * is paused, so that nothing is said to nobody. Throws a GatewayError that never holds the address.
 */
export async function dial(address: Address, options: DialOptions): Promise<Socket> {
  try {
    return await withDeadline(options.deadlineMs, options.signal, async (signal) =>
      address.kind === "unix"
        ? await dialPath(address.path, { ...options, signal })
        : await dialHost(address, { ...options, signal }),
    );
  } catch (cause) {
    throw cause instanceof GatewayError ? cause : new GatewayError(codeOf(cause), { cause });
  }
}

async function dialHost(
  { host, port }: Extract<Address, { kind: "tcp" }>,
  { allow, signal, onread }: DialOptions,
): Promise<Socket> {
  const resolved = await resolve(host, signal);
  const allowed = resolved.filter(({ address }) => allowsAddress(allow, address, port));
  const [first] = allowed;
  if (first === undefined) throw new GatewayError("upstream_not_allowed");
  // Node is handed what was judged; it must not resolve the name a second time.
  const lookupJudged = (_: unknown, __: unknown, done: (error: null, addresses: Resolved[]) => void) =>
    done(null, allowed);
  return await established(
    connect({
      ...(allowed.length === 1 ? { host: first.address } : { host, lookup: lookupJudged }),
      port,
      autoSelectFamily: allowed.length > 1,
      autoSelectFamilyAttemptTimeout: NEXT_ADDRESS_MS,
      ...(onread === undefined ? {} : { onread }),
    }),
    signal,
  );
}

interface Resolved {
  readonly address: string;
  readonly family: number;
}

async function resolve(host: string, signal: AbortSignal): Promise<Resolved[]> {
  if (isIP(host) !== 0) return [{ address: host, family: isIP(host) }];
  const addresses = await abortable(lookup(host, { all: true, order: "verbatim" }), signal);
  return addresses.slice(0, limits.addresses);
}

/** What is judged is where the path really leads, after every symbolic link. */
async function dialPath(path: string, { allow, signal, onread }: DialOptions): Promise<Socket> {
  const real = await abortable(realPath(path), signal);
  // A path that does not exist is judged as it is written, so that nobody can probe for files outside.
  if (!allowsPath(allow, real ?? path)) throw new GatewayError("upstream_not_allowed");
  if (real === undefined) throw new GatewayError("upstream_connection_refused");
  return await established(connect({ path: real, ...(onread === undefined ? {} : { onread }) }), signal);
}

async function realPath(path: string): Promise<string | undefined> {
  try {
    return await realpath(path);
  } catch {
    return undefined;
  }
}

async function established(socket: Socket, signal: AbortSignal): Promise<Socket> {
  socket.pause();
  try {
    await untilConnected(socket, signal);
    socket.setNoDelay(true);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    return socket;
  } catch (error) {
    socket.on("error", ignoreError); // The failure is told already; its echoes are not.
    socket.destroy();
    throw error;
  }
}

/** Rejects with the signal's own reason, which `once` would wrap. */
async function untilConnected(socket: Socket, signal: AbortSignal): Promise<void> {
  try {
    await once(socket, "connect", { signal });
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  }
}

/** For what cannot be cancelled: its outcome is then of no interest. */
async function abortable<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  signal.throwIfAborted();
  const gone = Promise.withResolvers<never>();
  const abort = () => gone.reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([work, gone.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

const CODES: Readonly<Record<string, ErrorCode>> = {
  ECONNREFUSED: "upstream_connection_refused",
  ECONNRESET: "upstream_lost",
  ENOTFOUND: "upstream_name_unresolved",
  EAI_AGAIN: "upstream_name_unresolved",
  EAI_FAIL: "upstream_name_unresolved",
  ETIMEDOUT: "upstream_timeout",
  // A UNIX socket whose server is gone, or that went between our look and our knock.
  ENOENT: "upstream_connection_refused",
};

function codeOf(cause: unknown): ErrorCode {
  if (cause instanceof DeadlineError) return "upstream_timeout";
  const codes = [cause, ...(cause instanceof AggregateError ? cause.errors : [])].map(systemCode);
  return codes.map((code) => CODES[code]).find((code) => code !== undefined) ?? "upstream_unreachable";
}

function systemCode(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}
