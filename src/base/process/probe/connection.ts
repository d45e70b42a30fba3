import { once } from "node:events";
import { connect, type LookupFunction, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { codeOf, connectionFailure, ProbeFailure } from "./probe-failure.ts";
import { judgeCertificate, type SeenCertificate, type Trust } from "./seen-certificate.ts";

/** How long one of several addresses may take before the next is tried beside it (RFC 8305). */
const NEXT_ADDRESS_MS = 500;

export interface Target {
  readonly url: URL;
  /** What its name was found to be. */
  readonly addresses: readonly string[];
}

export interface Connected {
  readonly socket: Socket;
  /** What was shown, where TLS is spoken. */
  readonly certificate?: SeenCertificate;
}

/**
 * Connects as a browser does, but goes on where a browser would stop at the certificate: so that all that is wrong behind
 * it is found as well. Throws a ProbeFailure.
 */
export async function connectTo(target: Target, trust: Trust, signal: AbortSignal): Promise<Connected> {
  const { url, addresses } = target;
  const socket = connect({
    host: hostOf(url),
    port: portOf(url),
    lookup: answering(addresses),
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: NEXT_ADDRESS_MS,
  });
  socket.on("error", () => {}); // Told by whoever waits.
  try {
    await until(socket, "connect", signal);
    if (url.protocol === "http:") return { socket };
    return await secured(socket, { url, trust, signal });
  } catch (error) {
    socket.destroy();
    throw connectionFailure(error, signal, { addresses: addresses.join(", ") });
  }
}

async function secured(
  under: Socket,
  { url, trust, signal }: { readonly url: URL; readonly trust: Trust; readonly signal: AbortSignal },
): Promise<Connected> {
  const host = hostOf(url);
  const socket = connectTls({
    socket: under,
    ...(/^[\d.]+$|:/.test(host) ? {} : { servername: host }),
    ca: [...trust.roots, ...(trust.authority === undefined ? [] : [trust.authority])],
    ALPNProtocols: ["http/1.1"],
    // Judged below: a browser would say no more than that it does not trust it.
    rejectUnauthorized: false,
  });
  socket.on("error", () => {});
  try {
    await until(socket, "secureConnect", signal);
  } catch (error) {
    socket.destroy();
    throw handshakeFailure(error);
  }
  return { socket, certificate: judgeCertificate(socket, host, trust) };
}

function handshakeFailure(error: unknown): unknown {
  const code = codeOf(error);
  if (/WRONG_VERSION_NUMBER|HTTP_REQUEST|PACKET_LENGTH/.test(code))
    return new ProbeFailure("tls_none", {}, error);
  if (code.startsWith("ERR_SSL_")) return new ProbeFailure("tls_fails", { reason: code }, error);
  return error;
}

/** Resolves when it happens. Rejects when it breaks, is closed before, or when the signal aborts, with its reason. */
async function until(socket: Socket, event: string, signal: AbortSignal): Promise<void> {
  const over = new AbortController();
  const closed = once(socket, "close", { signal: over.signal }).then(() => {
    throw Object.assign(new Error("closed"), { code: "ECONNRESET" });
  });
  closed.catch(() => {});
  const abort = AbortSignal.any([signal, over.signal]);
  try {
    await Promise.race([once(socket, event, { signal: abort }), closed]);
  } catch (error) {
    throw signal.aborted ? signal.reason : error;
  } finally {
    over.abort();
  }
}

/** The name is not looked up a second time. */
function answering(addresses: readonly string[]): LookupFunction {
  return (_host, { all }, done) => {
    const found = addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
    const [first] = found;
    if (all === true) done(null, found);
    else done(null, first?.address ?? "", first?.family);
  };
}

export function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, "");
}

function portOf({ port, protocol }: URL): number {
  return port === "" ? (protocol === "https:" ? 443 : 80) : Number(port);
}
