import { setTimeout as delay } from "node:timers/promises";
import { type Static, type TSchema, Type } from "typebox";
import { AcmeError } from "./acme-error.ts";
import { type AcmeClient, problemOf, read } from "./client.ts";
import { retryAfterMs, safeUrl } from "./transport.ts";

export type ChallengeType = "dns-01" | "http-01";

const limits = {
  /** Of one certificate, as authorities have it. */
  names: 100,
  /** Between two looks at what an authority is busy with. */
  pollMs: 1_000,
  longestPollMs: 15_000,
} as const;

export const mostNames: number = limits.names;

const Url = Type.String({ maxLength: 2048 });

/** RFC 8555 §7.1.3. */
const Order = Type.Object({
  status: Type.String(),
  authorizations: Type.Array(Url, { maxItems: 2 * limits.names }),
  finalize: Url,
  certificate: Type.Optional(Url),
  error: Type.Optional(Type.Unknown()),
});

/** RFC 8555 §7.1.4. */
const Authorization = Type.Object({
  status: Type.String(),
  identifier: Type.Object({ type: Type.String(), value: Type.String({ maxLength: 255 }) }),
  challenges: Type.Array(
    Type.Object({
      type: Type.String(),
      url: Url,
      status: Type.String(),
      // RFC 8555 §8.3: base64url, and 128 bits at least.
      token: Type.Optional(Type.String({ pattern: "^[A-Za-z0-9_-]{1,256}$" })),
      error: Type.Optional(Type.Unknown()),
    }),
    { maxItems: 32 },
  ),
});
type Authorization = Static<typeof Authorization>;

/** What an authority wants to see before it believes that a name is ours. */
export interface Challenge {
  /** Without the `*.` of a wildcard. */
  readonly name: string;
  readonly token: string;
}

export interface OrderOptions {
  readonly names: readonly string[];
  readonly challenge: ChallengeType;
  /** PKCS#10, DER. */
  readonly request: Uint8Array;
  /** The certificate that it follows (RFC 9773 §5). */
  readonly replaces?: string | undefined;
  /** Resolves when whoever asks is answered. */
  readonly present: (challenges: readonly Challenge[]) => Promise<void>;
}

/** Orders a certificate (RFC 8555 §7.4). Resolves to its chain, PEM, the leaf first. */
export async function orderCertificate(client: AcmeClient, options: OrderOptions): Promise<string> {
  const { url, order } = await begin(client, options);
  const open = await openAuthorizations(client, order.authorizations);
  const wanted = open.map(({ url: at, authorization }) => ({
    at,
    ...challengeOf(authorization, options),
  }));
  await options.present(wanted);
  for (const { answerTo } of wanted) await client.post(answerTo, {});
  const failed: Authorization[] = [];
  for (const { at } of wanted) failed.push(...(await unauthorized(client, at)));
  const [first, ...others] = failed;
  if (first !== undefined) throw unseen(first, options.challenge, others);

  const ready = await settled(client, url, { schema: Order, what: "an order", pending: ["pending"] });
  if (ready.status === "ready")
    await client.post(ready.finalize, { csr: Buffer.from(options.request).toString("base64url") });
  const busy = ["pending", "ready", "processing"];
  const { status, certificate, error } = await settled(client, url, {
    schema: Order,
    what: "an order",
    pending: busy,
  });
  if (status !== "valid" || certificate === undefined)
    throw new AcmeError({ kind: "refused", status: 0, problem: problemOf(error) });
  const { text } = await client.post(certificate, undefined, "application/pem-certificate-chain");
  return text;
}

async function begin(
  client: AcmeClient,
  { names, replaces }: OrderOptions,
): Promise<{ readonly url: string; readonly order: Static<typeof Order> }> {
  const { newOrder } = await client.directory();
  const identifiers = names.map((value) => ({ type: "dns", value }));
  const ask = async (more: object) => {
    const answer = await client.post(newOrder, { identifiers, ...more });
    return { url: safeUrl(answer.headers.location).href, order: read(answer, Order, "an order") };
  };
  if (replaces === undefined) return await ask({});
  try {
    return await ask({ replaces });
  } catch (error) {
    // It was replaced before, or the authority knows it no more: what is ordered is wanted all the same.
    if (!(error instanceof AcmeError) || !error.isRefusal("alreadyReplaced", "malformed", "unauthorized"))
      throw error;
    return await ask({});
  }
}

/** Those that the authority does not believe already. */
async function openAuthorizations(client: AcmeClient, urls: readonly string[]) {
  const all: { readonly url: string; readonly authorization: Authorization }[] = [];
  for (const url of urls)
    all.push({ url, authorization: read(await client.post(url), Authorization, "an authorization") });
  return all.filter(({ authorization }) => authorization.status !== "valid");
}

function challengeOf(
  authorization: Authorization,
  { names, challenge: type }: Pick<OrderOptions, "names" | "challenge">,
): Challenge & { readonly answerTo: string } {
  const { identifier, challenges, status } = authorization;
  const name = identifier.value;
  // What is answered for is what was ordered, whatever an authority would like to see.
  if (!names.includes(name) && !names.includes(`*.${name}`))
    throw new AcmeError({ kind: "malformed", what: "an authorization" });
  // One that has been decided is not open to answers any more.
  if (status !== "pending") throw unseen(authorization, type);
  const challenge = challenges.find((each) => each.type === type);
  if (challenge?.token === undefined) throw new AcmeError({ kind: "no-challenge", name, challenge: type });
  return { name, token: challenge.token, answerTo: challenge.url };
}

/** The authorization, once it is decided, if the authority does not believe it. */
async function unauthorized(client: AcmeClient, url: string): Promise<readonly Authorization[]> {
  const options = { schema: Authorization, what: "an authorization", pending: ["pending"] };
  const authorization = await settled(client, url, options);
  return authorization.status === "valid" ? [] : [authorization];
}

function unseen(
  { identifier, challenges }: Authorization,
  challenge: ChallengeType,
  also: readonly Authorization[] = [],
): AcmeError {
  const failed = challenges.find(({ error }) => error !== undefined);
  const problem = problemOf(failed?.error);
  const others = also.map((each) => each.identifier.value);
  return new AcmeError({ kind: "challenge", name: identifier.value, others, challenge, problem });
}

/** Asks until it is in no such state any more; what bounds the time is the client's signal. */
async function settled<Schema extends TSchema>(
  client: AcmeClient,
  url: string,
  options: { readonly schema: Schema; readonly what: string; readonly pending: readonly string[] },
): Promise<Static<Schema>> {
  for (;;) {
    const answer = await client.post(url);
    const value = read(answer, options.schema, options.what);
    if (!options.pending.includes((value as { readonly status: string }).status)) return value;
    const wait = Math.min(retryAfterMs(answer.headers, Date.now()) ?? limits.pollMs, limits.longestPollMs);
    await delay(wait, undefined, { signal: client.signal });
  }
}
