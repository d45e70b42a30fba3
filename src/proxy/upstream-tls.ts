import { hash, type X509Certificate } from "node:crypto";
import { once } from "node:events";
import { isIP } from "node:net";
import type { Duplex } from "node:stream";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import { systemRoots } from "#base/process/probe/seen-certificate.ts";
import type { TlsKind } from "#protocols/rfb/security.ts";
import type { ErrorCode } from "#wire/errors.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { UpstreamTls } from "#wire/grant.ts";
import { ignoreError } from "./ignore-error.ts";

/**
 * Anonymous Diffie-Hellman, which OpenSSL has at its lowest level of security alone, and TLS 1.3 has not. Servers have no
 * ciphers in common with us there that are weaker than AES.
 */
const ANONYMOUS: ConnectionOptions = {
  ciphers: "ADH+AES:AECDH+AES:@SECLEVEL=0",
  maxVersion: "TLSv1.2",
};

/** The kinds of TLS that will do, the strongest first. */
export function allowedTls(tls: UpstreamTls | undefined): readonly TlsKind[] {
  if (tls === undefined) return [];
  return tls.mode === "insecure" ? ["x509", "anonymous"] : ["x509"];
}

/**
 * Puts TLS over a connection to a hypervisor, and judges its certificate before anything is said within. The socket that
 * comes out is paused; it takes the other with it. Throws a GatewayError that says what is amiss with it.
 */
export async function overTls(
  socket: Duplex,
  { tls, kind, signal }: { readonly tls: UpstreamTls; readonly kind: TlsKind; readonly signal: AbortSignal },
): Promise<TLSSocket> {
  const secured = connect({
    socket,
    ...(kind === "anonymous" ? ANONYMOUS : {}),
    ...trust(tls),
    ...(tls.client === undefined ? {} : { cert: tls.client.certificate, key: tls.client.key }),
    // It is judged below, where each fact has its name; nothing is said before.
    rejectUnauthorized: false,
  });
  secured.pause();
  try {
    await once(secured, "secureConnect", { signal });
    if (kind === "x509") judge(secured, tls);
    return secured;
  } catch (cause) {
    secured.on("error", ignoreError);
    secured.destroy();
    if (signal.aborted) throw signal.reason;
    throw tlsError(cause) ?? new GatewayError("upstream_tls_failed", { cause });
  }
}

/** What TLS had to say of a connection that failed; `undefined` where it was not TLS that spoke. */
export function tlsError(cause: unknown): GatewayError | undefined {
  if (cause instanceof GatewayError) return cause;
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  if (CLIENT_CERTIFICATE_ALERTS.test(code)) return new GatewayError("upstream_client_certificate", { cause });
  return code.startsWith("ERR_SSL_") ? new GatewayError("upstream_tls_failed", { cause }) : undefined;
}

const MUTE = "it hung up as soon as TLS was up";

/** QEMU says nothing to whose certificate it does not like: it closes, once TLS is up. */
export function asCertificateRefused(error: unknown): unknown {
  if (!isHangUp(error)) return error;
  return new GatewayError("upstream_client_certificate", { cause: error, detail: MUTE });
}

export function isHangUp(error: unknown): boolean {
  return (
    error instanceof GatewayError && (error.code === "upstream_closed" || error.code === "upstream_lost")
  );
}

/** RFC 8446 §6.2: what a server says of a client's certificate; nobody else shows one here. */
const CLIENT_CERTIFICATE_ALERTS =
  /_ALERT_(CERTIFICATE_REQUIRED|BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|CERTIFICATE_REVOKED|CERTIFICATE_EXPIRED|CERTIFICATE_UNKNOWN|UNKNOWN_CA|ACCESS_DENIED)$/;

function trust(tls: UpstreamTls): ConnectionOptions {
  if (tls.mode !== "verify") return {};
  return {
    ca: tls.ca === undefined ? [...systemRoots()] : [tls.ca],
    // A server name in TLS is never an address (RFC 6066 §3).
    ...(isIP(tls.serverName) === 0 ? { servername: tls.serverName } : {}),
    checkServerIdentity: () => undefined,
  };
}

const UNTRUSTED: Readonly<Record<string, ErrorCode>> = {
  CERT_HAS_EXPIRED: "upstream_certificate_expired",
  CERT_NOT_YET_VALID: "upstream_certificate_expired",
};

function judge(socket: TLSSocket, tls: UpstreamTls): void {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) throw new GatewayError("upstream_tls_failed");
  if (tls.mode === "verify") verify(socket, certificate, tls.serverName);
  if (tls.mode === "pin") comparePin(certificate, tls.pin);
}

function verify(socket: TLSSocket, certificate: X509Certificate, serverName: string): void {
  // An error where the types have none: Node says its code.
  const problem: unknown = socket.authorizationError;
  if (problem) {
    const cause = new Error(`${problem}: ${told(certificate)}`);
    throw new GatewayError(UNTRUSTED[String(problem)] ?? "upstream_certificate_unknown", { cause });
  }
  if (isFor(certificate, serverName)) return;
  const cause = new Error(`it is not for ${serverName}: ${told(certificate)}`);
  throw new GatewayError("upstream_certificate_name", { cause });
}

function isFor(certificate: X509Certificate, name: string): boolean {
  return (isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name)) !== undefined;
}

/** Whoever holds the key of the very certificate that was pinned is the machine, whatever else the certificate says. */
function comparePin(certificate: X509Certificate, pin: string): void {
  const algorithm = pin.startsWith("sha1:") ? "sha1" : "sha256";
  const shown = `${algorithm}:${hash(algorithm, certificate.raw, "hex")}`;
  if (shown === pin) return;
  throw new GatewayError("upstream_certificate_changed", { cause: new Error(`it is ${shown}`) });
}

/** For the operator's log. */
function told({ subject, subjectAltName = "no names", validTo }: X509Certificate): string {
  return `${subject.split("\n").join(", ")} (${subjectAltName}), until ${validTo}`;
}
