import { hash, type X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import type { ConnectionOptions, TLSSocket } from "node:tls";
import { systemRoots } from "#base/process/probe/seen-certificate.ts";
import type { Secret } from "#base/secret.ts";
import { readCertificatePin } from "#wire/certificate-pin.ts";
import { printable } from "#wire/gateway-error.ts";
import type { UpstreamTls } from "#wire/grant.ts";
import { beginTls, dial, settled } from "./dial.ts";
import { HypervisorError } from "./hypervisor-error.ts";

/** By what a hypervisor is known, and by what we are. There is no way to say that anybody will do: it is told what opens it. */
export interface Trust {
  /** PEM: who signs its certificate; absent: the authorities of this system. */
  readonly caCertificate?: string | undefined;
  /** `sha256:` or `sha1:` and the fingerprint of its certificate, which is all that counts then. */
  readonly pin?: string | undefined;
  readonly clientCertificate?: string | undefined;
  readonly clientKey?: Secret | undefined;
}

/** Throws an Error that says what is wrong with it. */
export function readTrust(trust: Trust): Trust {
  const pin = trust.pin === undefined ? undefined : readCertificatePin(trust.pin);
  if (trust.pin !== undefined && pin === undefined)
    throw new Error("a pin is sha256: and 64 hexadecimal digits, or sha1: and 40");
  if (pin !== undefined && trust.caCertificate !== undefined)
    throw new Error("a hypervisor is known by its pin or by an authority, not by both");
  return { ...trust, pin };
}

interface Place {
  readonly host: string;
  readonly port: number;
}

/** Connects by TLS, and says nothing before it is known who is there. Throws as `dial`. */
export async function dialTls(place: Place, trust: Trust, signal: AbortSignal): Promise<TLSSocket> {
  return (await dialKnown(place, trust, signal)).socket;
}

/** The certificate that is shown there, once it is known whose it is. Throws as `dial`. */
export async function shownCertificate(
  place: Place,
  trust: Trust,
  signal: AbortSignal,
): Promise<X509Certificate> {
  const { socket, certificate } = await dialKnown(place, trust, signal);
  socket.on("error", () => {}).destroy();
  return certificate;
}

async function dialKnown(
  { host, port }: Place,
  trust: Trust,
  signal: AbortSignal,
): Promise<{ readonly socket: TLSSocket; readonly certificate: X509Certificate }> {
  const socket = await dial({ host, port, autoSelectFamily: true, noDelay: true }, "tcp", signal);
  const secured = beginTls(socket, {
    host,
    // A server name in TLS is never an address (RFC 6066 §3).
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...clientOf(trust),
    ...(trust.caCertificate === undefined ? { ca: [...systemRoots()] } : { ca: trust.caCertificate }),
    minVersion: "TLSv1.2",
    // It is judged below, where the certificate is at hand to be told of.
    rejectUnauthorized: false,
  });
  await settled(secured, { event: "secureConnect", step: "tls", signal });
  // A socket tells it once.
  const certificate = secured.getPeerX509Certificate();
  const problem = problemOf(secured, certificate, trust);
  if (problem === undefined && certificate !== undefined) return { socket: secured, certificate };
  secured.on("error", () => {}).destroy();
  throw new HypervisorError("tls", problem ?? "it showed no certificate");
}

/** By which nodes know the same hypervisor, where its consoles are reached by the certificate of its API. */
export function toNodeTls(trust: Trust, serverName: string): UpstreamTls {
  const { caCertificate: ca, pin, clientCertificate: certificate, clientKey } = trust;
  const client =
    certificate === undefined || clientKey === undefined
      ? {}
      : { client: { certificate, key: clientKey.expose() } };
  if (pin !== undefined) return { mode: "pin", pin, ...client };
  return { mode: "verify", serverName, ...(ca === undefined ? {} : { ca }), ...client };
}

function clientOf({ clientCertificate, clientKey }: Trust): ConnectionOptions {
  return {
    ...(clientCertificate === undefined ? {} : { cert: clientCertificate }),
    ...(clientKey === undefined ? {} : { key: clientKey.expose() }),
  };
}

function problemOf(
  socket: TLSSocket,
  certificate: X509Certificate | undefined,
  { pin }: Trust,
): string | undefined {
  if (certificate === undefined) return undefined;
  if (pin !== undefined) {
    const shown = fingerprint(certificate, pin.startsWith("sha1:") ? "sha1" : "sha256");
    return shown === pin ? undefined : `its certificate is not the one that is pinned, but ${shown}`;
  }
  // An error where the types have none: Node says its code.
  const problem: unknown = socket.authorizationError;
  if (!problem) return undefined;
  return `its certificate is not trusted: ${inWords(String(problem), certificate)}. It is ${fingerprint(certificate, "sha256")}, which can be pinned once somebody has compared it at the hypervisor itself`;
}

function inWords(code: string, { subjectAltName = "no names", validFrom, validTo }: X509Certificate): string {
  switch (code) {
    case "CERT_HAS_EXPIRED":
      return `it was valid until ${validTo}`;
    case "CERT_NOT_YET_VALID":
      return `it is valid from ${validFrom} on`;
    case "ERR_TLS_CERT_ALTNAME_INVALID":
      return `it is for ${printable(subjectAltName)}`;
    default:
      return `nobody who is trusted has signed it (${code})`;
  }
}

function fingerprint(certificate: X509Certificate, algorithm: "sha256" | "sha1"): string {
  return `${algorithm}:${hash(algorithm, certificate.raw, "hex")}`;
}
