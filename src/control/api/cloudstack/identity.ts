import type { FastifyRequest } from "fastify";
import { systemClock } from "#base/clock.ts";
import type { Accounts, Caller } from "../../services.ts";
import type { SettingValues } from "../../settings/settings.ts";
import { type FailureLimit, isPossibleApiKey } from "../failure-limit.ts";
import { callerAddress, whenceOf } from "../origins.ts";
import { CredentialsRefused } from "./cloudstack-error.ts";
import { type Parameters, textOf } from "./parameters.ts";
import { fitsSession, sessionOf } from "./session.ts";
import { isCurrent, signatureFits } from "./signature.ts";

const limits = {
  /** Of a signature's life, where the setting `enforce.post.requests.and.timestamps` bounds it. */
  enforcedSignatureMs: 15 * 60 * 1000,
} as const;

/** How long a signature may be good; undefined: as long as its client wants. */
export function signatureLife(values: SettingValues): number | undefined {
  return values.value("enforce.post.requests.and.timestamps") ? limits.enforcedSignatureMs : undefined;
}

/** Who asks, and how that is known. */
export interface Identity {
  readonly caller: Caller;
  readonly via: "signature" | "session";
}

export interface IdentityDeps {
  readonly accounts: Pick<Accounts, "byApiKey" | "byCookie" | "noteRefusedKey">;
  readonly failures: FailureLimit;
  /** See signatureLife. */
  readonly signatureMs: number | undefined;
}

/** Throws one and the same refusal whatever is wrong: the key, the signature, the time, the session or its key. */
export async function identify(
  request: FastifyRequest,
  parameters: Parameters,
  deps: IdentityDeps,
): Promise<Identity> {
  const apiKey = textOf(parameters, "apikey");
  if (apiKey !== undefined)
    return { caller: await bySignature(request, { parameters, apiKey }, deps), via: "signature" };
  const cookie = sessionOf(request);
  if (cookie === undefined || !fitsSession(textOf(parameters, "sessionkey"), cookie))
    throw new CredentialsRefused();
  const caller = await deps.accounts.byCookie(cookie, callerAddress(request));
  if (caller === undefined) throw new CredentialsRefused();
  return { caller, via: "session" };
}

/** Throws CredentialsRefused, or `rate_limited` for who guessed too often. */
export async function bySignature(
  request: FastifyRequest,
  { parameters, apiKey }: { readonly parameters: Parameters; readonly apiKey: string },
  {
    accounts,
    failures,
    signatureMs,
  }: Omit<IdentityDeps, "accounts"> & {
    readonly accounts: Pick<Accounts, "byApiKey" | "noteRefusedKey">;
  },
): Promise<Caller> {
  if (!isPossibleApiKey(apiKey)) throw new CredentialsRefused();
  const address = callerAddress(request);
  const source = `${address} ${apiKey}`;
  failures.check(source);
  const found = await accounts.byApiKey(apiKey, address);
  const good = found !== undefined && signatureFits(parameters, found.secretKey);
  // An expired request of the right key is a mistake of its clock, not a guess.
  if (good && isCurrent(parameters, systemClock.now(), { withinMs: signatureMs })) return found.caller;
  if (!good) failures.failed(source);
  if (!good) await accounts.noteRefusedKey(apiKey, whenceOf(request, "cloudstack"));
  throw new CredentialsRefused();
}
