import { isIP } from "node:net";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import type { Secret } from "#base/secret.ts";
import { beginTls, dial, settled } from "../dial.ts";
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
  /** Told once libvirt has answered: what only signing in took is put away, and no key lies about for as long as the way is open. */
  readonly signedIn?: () => Promise<void>;
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
  const tls = beginTls(socket, {
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
