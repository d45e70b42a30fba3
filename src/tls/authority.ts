import "reflect-metadata";
import { randomBytes, webcrypto } from "node:crypto";
import { isIP } from "node:net";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  type PublicKey,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";
import { requestedPublicKey } from "./certificate-request.ts";
import { generateKeys, importPrivateKey, privateKeyPem, SIGNING_ALGORITHM } from "./keys.ts";
import { ENTRANCE_URI, type NodeIdentity, nodeUri } from "./node-identity.ts";

/** The installation's own CA. It signs control's link listener, the nodes, and what nodes show to browsers by default. */
export interface Authority {
  /** PEM. */
  readonly certificate: string;
  /** PKCS#8, PEM. Whoever holds it can make nodes: it is kept encrypted. */
  readonly privateKey: string;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

const lifetimes = {
  /** Nodes pin this certificate when they join, so it has to outlive them. */
  authorityMs: 10 * 365 * DAY_MS,
  /** Control makes itself a new one at each start, and every day while it runs. */
  serverMs: 365 * DAY_MS,
  /**
   * A node renews its own in the last third, so it has a month in which control may be away, and a copy that was taken
   * unnoticed is good for three months at most. A node that was off for longer has to join again.
   */
  nodeMs: 90 * DAY_MS,
  /** Machines whose clock is behind must take a certificate that was made just now. */
  backdatedMs: HOUR_MS,
} as const;

/** RFC 5280 §4.1.2.2: positive and at most 20 octets; 16 random ones cannot be guessed and do not repeat. */
const SERIAL_OCTETS = 16;

/** Makes a CA that may sign only end certificates (CA:TRUE, pathlen 0). `now` is in milliseconds since 1970. */
export async function createAuthority(options: {
  readonly name: string;
  readonly now: number;
}): Promise<Authority> {
  const keys = await generateKeys();
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: serialNumber(),
      name: [{ CN: [options.name] }],
      notBefore: new Date(options.now - lifetimes.backdatedMs),
      notAfter: new Date(options.now + lifetimes.authorityMs),
      signingAlgorithm: SIGNING_ALGORITHM,
      keys,
      extensions: [
        new BasicConstraintsExtension(true, 0, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
        await SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
      ],
    },
    webcrypto,
  );
  return { certificate: pem(certificate), privateKey: await privateKeyPem(keys.privateKey) };
}

/**
 * A key and a certificate for control's link listener. `certificate` is the chain, the CA's own certificate
 * last: a node that joins knows only the CA's fingerprint, so it has to be shown the CA.
 */
export async function issueServerCertificate(
  authority: Authority,
  options: { readonly hosts: readonly string[]; readonly now: number },
): Promise<{ certificate: string; privateKey: string }> {
  const [host] = options.hosts;
  if (host === undefined) throw new Error("a server certificate needs at least one host");
  const keys = await generateKeys();
  const leaf = await issue(authority, {
    commonName: host,
    publicKey: keys.publicKey,
    now: options.now,
    lifetimeMs: lifetimes.serverMs,
    extensions: [
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension(options.hosts.map(alternativeName)),
    ],
  });
  return { certificate: leaf + authority.certificate, privateKey: await privateKeyPem(keys.privateKey) };
}

/**
 * A key and a certificate for what browsers find at a node. `certificate` is the chain, the CA's own last. It says what it is
 * for: nodes do not take whoever holds it for control, though both may be at one address.
 */
export async function issueEntranceCertificate(
  authority: Authority,
  options: { readonly hosts: readonly string[]; readonly now: number; readonly lifetimeMs: number },
): Promise<{ certificate: string; privateKey: string }> {
  const keys = await generateKeys();
  const leaf = await issue(authority, {
    commonName: "Porthole console node",
    publicKey: keys.publicKey,
    now: options.now,
    lifetimeMs: options.lifetimeMs,
    extensions: [
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension([
        ...options.hosts.map(alternativeName),
        { type: "url", value: ENTRANCE_URI },
      ]),
    ],
  });
  return { certificate: leaf + authority.certificate, privateKey: await privateKeyPem(keys.privateKey) };
}

/**
 * A node's certificate, PEM, for the public key of a PKCS#10 request and nothing else of it. Role, installation
 * and node are in its URI name. Throws a ProtocolError for a request that is not well-formed or not self-signed.
 */
export async function issueNodeCertificate(
  authority: Authority,
  options: NodeIdentity & { readonly request: string; readonly now: number },
): Promise<string> {
  return await issue(authority, {
    commonName: options.nodeId,
    publicKey: await requestedPublicKey(options.request),
    now: options.now,
    lifetimeMs: lifetimes.nodeMs,
    extensions: [
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth, ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension([{ type: "url", value: nodeUri(options) }]),
    ],
  });
}

interface Leaf {
  readonly commonName: string;
  readonly publicKey: webcrypto.CryptoKey | PublicKey;
  readonly now: number;
  readonly lifetimeMs: number;
  readonly extensions: readonly Extension[];
}

async function issue(authority: Authority, leaf: Leaf): Promise<string> {
  const issuer = new X509Certificate(authority.certificate);
  const notAfter = Math.min(leaf.now + leaf.lifetimeMs, issuer.notAfter.getTime());
  const certificate = await X509CertificateGenerator.create(
    {
      serialNumber: serialNumber(),
      subject: [{ CN: [leaf.commonName] }],
      issuer: issuer.subjectName,
      notBefore: new Date(leaf.now - lifetimes.backdatedMs),
      notAfter: new Date(notAfter),
      signingAlgorithm: SIGNING_ALGORITHM,
      publicKey: leaf.publicKey,
      signingKey: await importPrivateKey(authority.privateKey),
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        await SubjectKeyIdentifierExtension.create(leaf.publicKey, false, webcrypto),
        await AuthorityKeyIdentifierExtension.create(issuer, false, webcrypto),
        ...leaf.extensions,
      ],
    },
    webcrypto,
  );
  return pem(certificate);
}

function alternativeName(host: string): { type: "ip" | "dns"; value: string } {
  return { type: isIP(host) === 0 ? "dns" : "ip", value: host };
}

/** The first bit is cleared so that DER needs no ninth to keep the number positive, the second set so that it is not 0. */
function serialNumber(): string {
  const bytes = randomBytes(SERIAL_OCTETS);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString("hex");
}

function pem(certificate: X509Certificate): string {
  return `${certificate.toString("pem")}\n`;
}
