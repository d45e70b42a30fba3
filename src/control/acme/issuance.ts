import { createHash } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { Clock } from "#base/clock.ts";
import { productVersion } from "#base/process/version.ts";
import { type AccountKey, type ExternalAccount, readAccountKey } from "#tls/acme/account-key.ts";
import { AcmeError } from "#tls/acme/acme-error.ts";
import { AcmeClient } from "#tls/acme/client.ts";
import { type Challenge, orderCertificate } from "#tls/acme/order.ts";
import { renewalId } from "#tls/acme/renewal-info.ts";
import { createServerRequest } from "#tls/acme/server-request.ts";
import { coversName } from "#tls/certificate/names.ts";
import { readServerCertificate, type ServerCertificate } from "#tls/certificate/server-certificate.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { Challenges } from "../names/challenges.ts";
import type { Vault } from "../vault/vault.ts";
import type { AcmeTable } from "./acme-table.ts";
import { accountKeyPlace, bindingKeyPlace } from "./places.ts";

const times = {
  /** Every name server of ours has looked twice by then, whoever missed the news. */
  propagationMs: 4_000,
  /** Longer than an order takes at most. */
  challengeMs: 15 * 60_000,
  /** So far an authority's clock may be ahead, whose certificates begin in the moment in which they are made. */
  aheadMs: 60_000,
} as const;

interface Parts {
  readonly clock: Clock;
  readonly vault: Vault;
  readonly challenges: Challenges;
}

export interface OrderParts {
  readonly names: readonly string[];
  /** The chain that is in use, PEM, where the same authority issued it. */
  readonly replaces: string | undefined;
  readonly signal: AbortSignal;
  /** Keeps the account's URL for the next time. */
  readonly keepAccount: (url: string) => Promise<void>;
}

/** The protocol's client for the account of this row. */
export function openClient(
  row: AcmeTable,
  { key, signal }: { readonly key: AccountKey; readonly signal: AbortSignal },
): AcmeClient {
  return new AcmeClient({
    directory: row.directory,
    key,
    account: row.account_url ?? undefined,
    roots: row.roots === "" ? undefined : row.roots,
    userAgent: `Porthole/${productVersion()}`,
    signal,
  });
}

export async function accountKeyOf(row: AcmeTable, vault: Vault): Promise<AccountKey> {
  return await readAccountKey(vault.open(row.account_key_sealed, accountKeyPlace).expose());
}

/**
 * One order, from the account to a certificate that has been read as an upload is. Throws an AcmeError, or a GatewayError
 * for a certificate that cannot be used.
 */
export async function issueCertificate(
  row: AcmeTable,
  { names, replaces, signal, keepAccount }: OrderParts,
  parts: Parts,
): Promise<ServerCertificate> {
  const key = await accountKeyOf(row, parts.vault);
  using client = openClient(row, { key, signal });
  const register = async () =>
    await keepAccount(
      await client.register({
        contact: row.contact === "" ? undefined : row.contact,
        agreesToTerms: row.agrees_to_terms === 1,
        externalAccount: externalAccountOf(row, parts.vault),
      }),
    );
  const { request, privateKey } = await createServerRequest(names);
  if (row.account_url === null) await register();
  const chain = await order().catch(async (error: unknown) => {
    // An authority that was set up anew has forgotten it.
    if (!(error instanceof AcmeError) || !error.isRefusal("accountDoesNotExist")) throw error;
    await register();
    return await order();
  });
  const now = parts.clock.now() + times.aheadMs;
  return readIssued(chain, { names, privateKey, roots: row.roots, now });

  async function order(): Promise<string> {
    await using opened = new AsyncDisposableStack();
    return await orderCertificate(client, {
      names,
      challenge: row.challenge,
      request,
      replaces: replaces === undefined ? undefined : await replacedId(client, replaces),
      present: async (wanted) => {
        if (row.challenge === "dns-01") await answerByDns(opened, wanted);
      },
    });
  }

  /** Nodes answer http-01 by themselves, with the thumbprint that is among their settings. */
  async function answerByDns(opened: AsyncDisposableStack, wanted: readonly Challenge[]): Promise<void> {
    for (const { name, token } of wanted) {
      const challenge = { name: `_acme-challenge.${name}`, value: digestOf(token, key) };
      opened.defer(async () => await parts.challenges.remove(challenge));
      await parts.challenges.add({ ...challenge, lifetimeMs: times.challengeMs });
    }
    if (wanted.length > 0) await delay(times.propagationMs, undefined, { signal });
  }
}

/** RFC 9773 §5: said to authorities that have renewal information, and to no others. */
async function replacedId(client: AcmeClient, chain: string): Promise<string | undefined> {
  const { renewalInfo } = await client.directory();
  return renewalInfo === undefined ? undefined : renewalId(chain);
}

/** RFC 8555 §8.4. */
function digestOf(token: string, { thumbprint }: AccountKey): string {
  return createHash("sha256").update(`${token}.${thumbprint}`).digest("base64url");
}

function externalAccountOf(row: AcmeTable, vault: Vault): ExternalAccount | undefined {
  const { binding_key_id: keyId, binding_key_sealed: sealed } = row;
  if (keyId === null || sealed === null) return undefined;
  return { keyId, hmacKey: vault.open(sealed, bindingKeyPlace).expose() };
}

/** An authority may answer anything: what it issued has to hold what an upload has to. */
function readIssued(
  chain: string,
  parts: {
    readonly names: readonly string[];
    readonly privateKey: string;
    readonly roots: string;
    readonly now: number;
  },
): ServerCertificate {
  const { names, privateKey, roots, now } = parts;
  const unfit = (issued: readonly string[]) => {
    const missing = names.filter((name) => !coversName(issued, name));
    return missing.length === 0 ? [] : [`it is not for ${missing.slice(0, 5).join(", ")}`];
  };
  const reading = readServerCertificate(
    { certificate: chain, privateKey, authorities: roots },
    { now, unfit },
  );
  if ("certificate" in reading) return reading.certificate;
  throw new GatewayError("certificate_refused", {
    detail: `what the authority issued cannot be used: ${reading.problems.join("; ")}`,
  });
}
