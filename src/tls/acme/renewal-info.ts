import "reflect-metadata";
import { AuthorityKeyIdentifierExtension, X509Certificate } from "@peculiar/x509";
import { Type } from "typebox";
import { type AcmeClient, read } from "./client.ts";
import { retryAfterMs } from "./transport.ts";

/** RFC 9773 §4.2. */
const RenewalInfo = Type.Object({
  suggestedWindow: Type.Object({ start: Type.String(), end: Type.String() }),
  explanationURL: Type.Optional(Type.Unknown()),
});

/** When an authority would like a certificate to be renewed. */
export interface RenewalWindow {
  /** Milliseconds since 1970. */
  readonly start: number;
  readonly end: number;
  /** Where it says why, if it does. */
  readonly explanation?: string | undefined;
}

/**
 * The name by which renewal information is asked for (RFC 9773 §4.1): the authority's key identifier, and the serial number
 * as its DER has it. `undefined` for a certificate that does not say whose it is. Takes a chain, PEM, the leaf first.
 */
export function renewalId(chain: string): string | undefined {
  const certificate = new X509Certificate(chain);
  const keyId = certificate.getExtension(AuthorityKeyIdentifierExtension)?.keyId;
  if (keyId === undefined) return undefined;
  const digits = certificate.serialNumber.replace(/^(?:00)+/, "");
  // DER: a first bit that is set would make the number negative.
  const serial = Buffer.from(Number.parseInt(digits.slice(0, 2), 16) >= 0x80 ? `00${digits}` : digits, "hex");
  return `${Buffer.from(keyId, "hex").toString("base64url")}.${serial.toString("base64url")}`;
}

/** Asks for it; `undefined` of an authority that tells nothing of the kind. `againMs`: after how long it is to be asked again. */
export async function askRenewalWindow(
  client: AcmeClient,
  id: string,
  now: number,
): Promise<{ readonly window: RenewalWindow; readonly againMs: number | undefined } | undefined> {
  const { renewalInfo } = await client.directory();
  if (renewalInfo === undefined) return undefined;
  const answer = await client.getWhole(`${renewalInfo.replace(/\/$/, "")}/${id}`);
  const { suggestedWindow, explanationURL } = read(answer, RenewalInfo, "renewal information");
  const [start, end] = [Date.parse(suggestedWindow.start), Date.parse(suggestedWindow.end)];
  // RFC 9773 §4.2: whose end is not after its start is none.
  if (!(end > start)) return undefined;
  return {
    window: { start, end, explanation: pageOf(explanationURL) },
    againMs: retryAfterMs(answer.headers, now),
  };
}

/** An address that a person may follow. What is none is no reason to leave the window alone. */
function pageOf(text: unknown): string | undefined {
  if (typeof text !== "string" || text.length > 2048 || !URL.canParse(text)) return undefined;
  const { protocol, href } = new URL(text);
  return protocol === "https:" || protocol === "http:" ? href : undefined;
}
