import { connect as connectSocket, isIP, type NetConnectOpts } from "node:net";
import type { Duplex } from "node:stream";
import { connect as connectTls, type TLSSocket } from "node:tls";
import type { Secret } from "#base/secret.ts";
import { HypervisorError } from "../hypervisor-error.ts";
import type { Endpoint, Way } from "./endpoint.ts";
import { openSsh } from "./ssh.ts";

/** What a way may need to prove to each other who is there. PEM where nothing else is said. */
export interface Credentials {
  /** Who signs libvirt's certificate; absent: the authorities that Node knows. */
  readonly caCertificate?: string | undefined;
  readonly clientCertificate?: string | undefined;
  readonly clientKey?: Secret | undefined;
  /** OpenSSH's form, without passphrase. */
  readonly sshKey?: Secret | undefined;
  /** The far side's host keys, as lines of a known_hosts file. */
  readonly sshKnownHosts?: string | undefined;
}

/** A way that is open, up to where libvirt's protocol begins. */
export interface Transport {
  readonly stream: Duplex;
  /** Asked once the stream has ended without being ended: why, where the way knows better than the protocol. */
  readonly whyEnded?: () => Promise<HypervisorError | undefined>;
}

/** libvirt says this after TLS's handshake, once it has judged the client's certificate. */
const ACCEPTED = 0x01;

/** Throws a HypervisorError with the step that failed, or the signal's reason. */
export async function openTransport(
  { way, uri }: Endpoint,
  credentials: Credentials,
  signal: AbortSignal,
): Promise<Transport> {
  signal.throwIfAborted();
  switch (way.kind) {
    case "unix":
      return { stream: await dial({ path: way.path }, "socket", signal) };
    case "tls":
      return { stream: await openTls(way, credentials, signal) };
    case "ssh":
      return await openSsh({ way, uri }, credentials);
    default:
      return way satisfies never;
  }
}

async function openTls(
  { host, port }: Extract<Way, { kind: "tls" }>,
  { caCertificate, clientCertificate, clientKey }: Credentials,
  signal: AbortSignal,
): Promise<Duplex> {
  const socket = await dial({ host, port, autoSelectFamily: true }, "tcp", signal);
  const tls = connectTls({
    socket,
    host,
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(caCertificate === undefined ? {} : { ca: caCertificate }),
    ...(clientCertificate === undefined ? {} : { cert: clientCertificate }),
    ...(clientKey === undefined ? {} : { key: clientKey.expose() }),
    minVersion: "TLSv1.2",
  });
  await settled(tls, { event: "secureConnect", step: "tls", signal });
  return await accepted(tls, signal);
}

/** In TLS 1.3 the client is done before the server has seen its certificate: a refusal comes as an end. */
async function accepted(tls: TLSSocket, signal: AbortSignal): Promise<Duplex> {
  await settled(tls, {
    event: "readable",
    step: "credentials",
    signal,
    ended: "libvirt did not accept the client certificate",
  });
  const byte: Uint8Array | null = tls.read(1);
  if (byte?.[0] === ACCEPTED) return tls;
  tls.destroy();
  if (byte === null)
    throw new HypervisorError("credentials", "libvirt did not accept the client certificate");
  throw new HypervisorError("answer", "what answers there by TLS is not libvirt");
}

async function dial(target: NetConnectOpts, step: "tcp" | "socket", signal: AbortSignal) {
  const socket = connectSocket(target);
  await settled(socket, { event: "connect", step, signal });
  return socket;
}

/** Waits for the event; an error or an end before it, and the signal, destroy the stream. */
async function settled(
  stream: Duplex,
  options: {
    readonly event: string;
    readonly step: "tcp" | "socket" | "tls" | "credentials";
    readonly signal: AbortSignal;
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

/** A signal that is a deadline says at which step it struck. */
function late(signal: AbortSignal, step: HypervisorError["step"]): unknown {
  const isDeadline = signal.reason instanceof DOMException && signal.reason.name === "TimeoutError";
  return isDeadline
    ? new HypervisorError(step, "no answer in time", { cause: signal.reason })
    : signal.reason;
}

/** Of several addresses Node says each one's failure, and of the whole nothing. */
function messageOf(cause: NodeJS.ErrnoException, { ended }: { readonly ended?: string }): string {
  if (cause instanceof AggregateError)
    return cause.errors
      .map((each: unknown) => (each instanceof Error ? each.message : String(each)))
      .join("; ");
  return ended === undefined ? cause.message : `${ended}: ${cause.message}`;
}
