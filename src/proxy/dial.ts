import { lookup } from "node:dns/promises";
import { connect, isIP, type OnReadOpts, type Socket } from "node:net";
import type { ErrorCode } from "#wire/errors.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { PlainAddress } from "#wire/grant.ts";
import {
  type AddressJudgement,
  allowsPath,
  judgeAddress,
  namesAddress,
  type UpstreamAllow,
} from "#wire/upstream-allow.ts";
import { abortable } from "./abortable.ts";
import { DeadlineError } from "./deadline.ts";
import { firstToConnect } from "./first-to-connect.ts";
import { type HeldSocket, holdSocket } from "./held-socket.ts";
import { isOwnListener, type Listening } from "./own-listeners.ts";

const limits = {
  /** Of a name with more addresses the first ones are tried; the rest could only be tried after the deadline. */
  addresses: 8,
} as const;

/** A peer that vanished without a word is found out after about this long, and not only when something is sent. */
const KEEP_ALIVE_MS = 60_000;

/** What may be dialled. */
export interface DialRules {
  readonly allow: UpstreamAllow;
  /** Where Porthole itself is, which no console is. */
  readonly listening?: Listening | undefined;
}

export interface DialOptions extends DialRules {
  /** Ends the dialling when nobody waits for it any more, or no longer. */
  readonly signal: AbortSignal;
  /** Where the socket is to read to. */
  readonly onread?: OnReadOpts;
  /** Finds the addresses of a name; the system's resolver if absent. */
  readonly resolve?: (name: string) => Promise<readonly string[]>;
  /** Called when the name is resolved, or at once where there is none, before an address is judged or connected to. */
  readonly onStep?: ((step: "connect") => void) | undefined;
}

/**
 * Connects to a console, if the operator allows it. A name is resolved once, what it resolved to is judged, and
 * exactly that is dialled, so it makes no difference how an address is spelled or what the name says next. The socket
 * is paused, so that nothing is said to nobody. Throws a GatewayError that holds the address in its cause alone, which the public is not told.
 */
export async function dial(address: PlainAddress, options: DialOptions): Promise<Socket> {
  try {
    return address.kind === "unix" ? await dialPath(address.path, options) : await dialHost(address, options);
  } catch (cause) {
    // Whoever gave up says why himself.
    if (cause instanceof GatewayError && cause === options.signal.reason) throw cause;
    throw withCause(cause, address);
  }
}

/**
 * The public is not told where a hypervisor is, and whoever reads this node's log has to be: it stands in the cause, which is for the log alone.
 */
function withCause(cause: unknown, { kind, ...place }: PlainAddress): GatewayError {
  const at = "path" in place ? place.path : `${place.host} port ${place.port}`;
  const { code, detail } = cause instanceof GatewayError ? cause : { code: codeOf(cause), detail: undefined };
  const why = cause instanceof GatewayError ? (cause.cause ?? cause) : cause;
  return new GatewayError(code, { detail, cause: new Error(`${at}: ${inWords(why)}`, { cause }) });
}

/** Of several addresses each one's failure, in the system's words, which name address and errno. */
function inWords(cause: unknown): string {
  const each = cause instanceof AggregateError ? cause.errors : [cause];
  return each.map((one) => (one instanceof Error ? one.message : String(one))).join("; ");
}

async function dialHost(
  { host, port }: Extract<PlainAddress, { kind: "tcp" }>,
  { signal, onread, resolve = resolveBySystem, onStep, ...rules }: DialOptions,
): Promise<Socket> {
  // There is no name to be looked up.
  if (isIP(host) !== 0) onStep?.("connect");
  const resolved = isIP(host) === 0 ? await abortable(resolve(host), signal) : [host];
  const candidates = resolved.slice(0, limits.addresses);
  const judged = candidates.map((address) => ({ address, refusal: refusalOf(address, port, rules) }));
  const allowed = judged.filter(({ refusal }) => refusal === undefined);
  if (allowed.length === 0) throw judged[0]?.refusal ?? new GatewayError("upstream_name_unresolved");
  if (isIP(host) === 0) onStep?.("connect");
  const reading = onread === undefined ? {} : { onread };
  return ready(
    await firstToConnect(
      allowed.map(({ address }) => address),
      (address) => connect({ host: address, port, ...reading }).pause(),
      signal,
    ),
  );
}

async function resolveBySystem(name: string): Promise<readonly string[]> {
  return (await lookup(name, { all: true, order: "verbatim" })).map(({ address }) => address);
}

/** Why an address is not dialled, if it is not. */
function refusalOf(address: string, port: number, { allow, listening }: DialRules): GatewayError | undefined {
  const judgement = judgeAddress(allow, address, port);
  if (judgement !== "allowed") {
    const cause = new Error(`${address} is not within upstream.allow as it has to be`);
    return judgement === "outside"
      ? new GatewayError("upstream_not_allowed", { cause })
      : new GatewayError("upstream_address_reserved", { cause, detail: RESERVED[judgement] });
  }
  if (listening === undefined || !isOwnListener(listening, address, port)) return undefined;
  return namesAddress(allow, address, port) ? undefined : new GatewayError("upstream_is_porthole");
}

const RESERVED: Readonly<Record<Exclude<AddressJudgement, "allowed" | "outside">, string>> = {
  loopback: "the console node's own machine",
  "link-local": "a link-local address",
  metadata: "a cloud's metadata service",
};

/** What is judged is where the path really leads, after every symbolic link. */
async function dialPath(path: string, { allow, signal, onread, onStep }: DialOptions): Promise<Socket> {
  const holding = holdSocket(path);
  try {
    const held = await abortable(holding, signal);
    // A path that does not exist is judged as it is written, so that nobody can probe for files outside.
    if (!allowsPath(allow, held?.real ?? path)) throw new GatewayError("upstream_not_allowed");
    onStep?.("connect");
    if (held === undefined) throw new GatewayError("upstream_connection_refused");
    const reading = onread === undefined ? {} : { onread };
    const { target } = held;
    return ready(await firstToConnect([target], () => connect({ path: target, ...reading }).pause(), signal));
  } finally {
    // Whoever has given up does not wait for it.
    void letGo(holding);
  }
}

async function letGo(holding: Promise<HeldSocket | undefined>): Promise<void> {
  try {
    await (await holding)?.[Symbol.asyncDispose]();
  } catch {
    // Why nothing was held is what the dialling has thrown.
  }
}

function ready(socket: Socket): Socket {
  socket.setNoDelay(true);
  socket.setKeepAlive(true, KEEP_ALIVE_MS);
  return socket;
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
