import { type KeyObject, X509Certificate } from "node:crypto";
import { ProtocolError } from "#base/protocol-error.ts";
import { type PemBlock, pemBlocks } from "./pem.ts";
import { readPkcs12, WrongPassphrase } from "./pkcs12.ts";
import { isPrivateKey, readPrivateKey } from "./private-key.ts";

/** A certificate as somebody brings it: as PEM texts, which may be one, or as a PKCS#12. */
export interface CertificateUpload {
  /** Leaf, intermediates and root in any order. */
  readonly certificate?: string | undefined;
  /** Where it does not stand in `certificate`. */
  readonly privateKey?: string | undefined;
  readonly pkcs12?: Uint8Array | undefined;
  readonly passphrase?: string | undefined;
  /** PEM: certificates of authorities that are there already, and may belong to the chain. */
  readonly authorities?: string | undefined;
}

const limits = {
  /** Of each part that is brought: a chain of four with large keys has 10 KiB. */
  partBytes: 64 * 1024,
  certificates: 32,
} as const;

/** What was found in an upload. */
interface Contents {
  readonly keys: readonly KeyObject[];
  readonly certificates: readonly X509Certificate[];
  readonly problems: readonly string[];
}

/** Takes an upload apart. Problems are fragments in words. */
export function readUpload(upload: CertificateUpload): Contents {
  const sizes = tooLarge(upload);
  if (sizes.length > 0) return { ...NOTHING, problems: sizes };
  const contents = upload.pkcs12 === undefined ? fromPem(upload) : fromPkcs12(upload);
  if (contents.certificates.length <= limits.certificates) {
    const authorities = certificatesOf(pemBlocks(upload.authorities ?? "")).flatMap(readable);
    return { ...contents, certificates: [...contents.certificates, ...authorities] };
  }
  return { ...NOTHING, problems: [`there are more than ${limits.certificates} certificates`] };
}

/** What is wrong with one certificate of an authority that comes by itself, as PEM. */
export function authorityProblems(certificate: string): readonly string[] {
  const sizes = tooLarge({ certificate });
  if (sizes.length > 0) return sizes;
  const blocks = certificatesOf(pemBlocks(certificate));
  if (blocks.length === 0) return [NOT_PEM];
  if (blocks.length > 1) return ["this is to be one certificate: bring each by itself"];
  return blocks.flatMap(readable).length === 0 ? [DAMAGED] : [];
}

const NOTHING: Contents = { keys: [], certificates: [], problems: [] };

function tooLarge({ certificate, privateKey, pkcs12 }: CertificateUpload): string[] {
  const parts = { certificate, "private key": privateKey, "PKCS#12": pkcs12 };
  return Object.entries(parts)
    .filter(([, part]) => part !== undefined && part.length > limits.partBytes)
    .map(([name]) => `the ${name} is too large: at most ${limits.partBytes / 1024} KiB are taken`);
}

function fromPkcs12({ pkcs12 = new Uint8Array(), passphrase }: CertificateUpload): Contents {
  try {
    const { keys, certificates } = readPkcs12(pkcs12, passphrase ?? "");
    const problems = keys.length === 0 ? ["there is no private key in the PKCS#12"] : [];
    return { keys, certificates, problems };
  } catch (error) {
    return { keys: [], certificates: [], problems: [pkcs12Problem(error, passphrase)] };
  }
}

function pkcs12Problem(error: unknown, passphrase: string | undefined): string {
  if (error instanceof WrongPassphrase)
    return passphrase === undefined
      ? "the PKCS#12 is encrypted, and its passphrase is missing"
      : "the passphrase of the PKCS#12 is wrong, or it is damaged";
  if (error instanceof ProtocolError) return `the PKCS#12 cannot be read: ${error.message}`;
  return "the PKCS#12 cannot be read: something in it is damaged";
}

function fromPem({ certificate = "", privateKey, passphrase }: CertificateUpload): Contents {
  const blocks = pemBlocks(certificate);
  const keyBlocks = [...(privateKey === undefined ? [] : pemBlocks(privateKey)), ...blocks].filter(
    isPrivateKey,
  );
  const certificateBlocks = certificatesOf(blocks);
  const certificates = certificateBlocks.slice(0, limits.certificates + 1).flatMap(readable);
  const read = keyBlocks.slice(0, 1).map((block) => readPrivateKey(block, passphrase));
  return {
    keys: read.flatMap((each) => ("key" in each ? [each.key] : [])),
    certificates,
    problems: [
      ...(blocks.length === 0 ? [NOT_PEM] : []),
      ...(blocks.length > 0 && certificateBlocks.length === 0 ? [noCertificate(blocks)] : []),
      ...(certificates.length < Math.min(certificateBlocks.length, limits.certificates + 1) ? [DAMAGED] : []),
      ...(keyBlocks.length === 0 ? [noKey(privateKey)] : []),
      ...read.flatMap((each) => ("problem" in each ? [each.problem] : [])),
    ],
  };
}

/** As everybody writes it, and as OpenSSL did and does on demand. */
const CERTIFICATE_LABELS: readonly string[] = ["CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE"];

function certificatesOf(blocks: readonly PemBlock[]): readonly PemBlock[] {
  return blocks.filter(({ label }) => CERTIFICATE_LABELS.includes(label));
}

const NOT_PEM = "the certificate is not PEM: there is no “-----BEGIN CERTIFICATE-----” in it";
const DAMAGED = "a certificate is damaged: it cannot be read";

function noCertificate(blocks: readonly PemBlock[]): string {
  const isRequest = blocks.some(({ label }) => label.endsWith("CERTIFICATE REQUEST"));
  return isRequest
    ? "this is a request for a certificate: bring what the authority answered to it"
    : "there is no certificate in the certificate's text";
}

function noKey(privateKey: string | undefined): string {
  return privateKey === undefined
    ? "the private key is missing"
    : "the private key is not PEM: there is no “-----BEGIN … PRIVATE KEY-----” in it";
}

function readable({ text }: PemBlock): X509Certificate[] {
  try {
    return [new X509Certificate(text)];
  } catch {
    return [];
  }
}
