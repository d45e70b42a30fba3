import { X509Certificate } from "node:crypto";
import { Secret } from "#base/secret.ts";
import { pemBlocks } from "#tls/certificate/pem.ts";
import type { AcmeChange } from "#wire/acme.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import { contactAddress } from "../names/dns-settings.ts";
import type { AcmeTable } from "./acme-table.ts";

const limits = {
  /** One for the directory, one for what it issues, and those that follow them. */
  roots: 8,
  /** RFC 2104: a key shorter than the hash weakens it; authorities give out 32 bytes and more. */
  hmacKeyBytes: 16,
} as const;

/** What is to be changed, as the columns have it. */
export interface CheckedChange
  extends Partial<
    Pick<AcmeTable, "directory" | "contact" | "agrees_to_terms" | "challenge" | "roots" | "binding_key_id">
  > {
  /** `null`: there is to be none. */
  readonly hmacKey?: Secret | null;
}

/** Throws `request_invalid` that says which field is wrong, and never what stands in it. */
export function checkChange(change: AcmeChange): CheckedChange {
  const { directory, contact, agreesToTerms, challenge, externalAccount, roots } = change;
  return {
    ...(directory === undefined ? {} : { directory: checked("directory", () => directoryUrl(directory)) }),
    ...(contact === undefined ? {} : { contact: checked("contact", () => contactAddress(contact.trim())) }),
    ...(agreesToTerms === undefined ? {} : { agrees_to_terms: agreesToTerms ? 1 : 0 }),
    ...(challenge === undefined ? {} : { challenge }),
    ...(roots === undefined ? {} : { roots: checked("roots", () => rootsOf(roots)) }),
    ...(externalAccount === undefined ? {} : accountOf(externalAccount)),
  };
}

function accountOf(account: NonNullable<AcmeChange["externalAccount"]> | null) {
  if (account === null) return { binding_key_id: null, hmacKey: null };
  const hmacKey = checked("hmacKey", () => hmacKeyOf(account.hmacKey));
  return { binding_key_id: account.keyId, hmacKey: new Secret(hmacKey) };
}

function directoryUrl(text: string): string {
  const url = URL.canParse(text.trim()) ? new URL(text.trim()) : undefined;
  if (url?.protocol !== "https:" || url.username !== "" || url.password !== "" || url.hash !== "")
    throw new Error(
      "must be the URL of an ACME directory, such as https://acme-v02.api.letsencrypt.org/directory",
    );
  return url.href;
}

/** Authorities write it in either alphabet of base64. */
function hmacKeyOf(text: string): string {
  const bytes = /^[A-Za-z0-9+/_-]+={0,2}$/.test(text.trim())
    ? Buffer.from(text.trim(), "base64")
    : Buffer.of();
  if (bytes.length < limits.hmacKeyBytes)
    throw new Error("must be the key that the authority gave, in base64url");
  return bytes.toString("base64url");
}

function rootsOf(text: string): string {
  const blocks = pemBlocks(text).filter(({ label }) => label === "CERTIFICATE");
  if (text.trim() !== "" && blocks.length === 0) throw new Error("must be certificates, as PEM");
  if (blocks.length > limits.roots) throw new Error(`must be ${limits.roots} certificates at most`);
  return blocks.map((block) => readable(block.text)).join("");
}

function readable(pem: string): string {
  try {
    return new X509Certificate(pem).toString();
  } catch {
    throw new Error("there is a certificate that cannot be read");
  }
}

function checked<Value>(field: string, read: () => Value): Value {
  try {
    return read();
  } catch (cause) {
    const detail = `${field}: ${cause instanceof Error ? cause.message : String(cause)}`;
    throw new GatewayError("request_invalid", { cause, detail });
  }
}
