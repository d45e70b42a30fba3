import { type Static, type TSchema, Type } from "typebox";
import { Check } from "typebox/schema";
import { type AccountKey, boundTo, type ExternalAccount, signedRequest } from "./account-key.ts";
import { AcmeError, type AcmeProblem } from "./acme-error.ts";
import { type HttpsAnswer, retryAfterMs, safeUrl, Transport, type TransportOptions } from "./transport.ts";

const limits = {
  /** Of one request: authorities forget nonces, and Pebble refuses some on purpose. */
  nonceRetries: 8,
  /** Of what an authority says in words; it is logged. */
  detailCharacters: 1_000,
  typeCharacters: 100,
} as const;

const Url = Type.String({ maxLength: 2048 });

/** RFC 8555 §7.1.1, and RFC 9773 §4.1. */
const Directory = Type.Object({
  newNonce: Url,
  newAccount: Url,
  newOrder: Url,
  renewalInfo: Type.Optional(Url),
  meta: Type.Optional(
    Type.Object({
      termsOfService: Type.Optional(Url),
      externalAccountRequired: Type.Optional(Type.Boolean()),
    }),
  ),
});
export type Directory = Static<typeof Directory>;

const Problem = Type.Object({
  type: Type.Optional(Type.String()),
  detail: Type.Optional(Type.String()),
  instance: Type.Optional(Type.String()),
  subproblems: Type.Optional(Type.Array(Type.Object({ detail: Type.Optional(Type.String()) }))),
});

export interface AcmeClientOptions extends TransportOptions {
  readonly directory: string;
  readonly key: AccountKey;
  /** The account's URL, where it has one. */
  readonly account?: string | undefined;
}

export interface Registration {
  /** A mail address. */
  readonly contact?: string | undefined;
  readonly agreesToTerms: boolean;
  readonly externalAccount?: ExternalAccount | undefined;
}

/** RFC 8555's requests to one authority, for one account: signed, with the nonces that it wants. */
export class AcmeClient implements Disposable {
  readonly #options: AcmeClientOptions;
  readonly #transport: Transport;
  #account: string | undefined;
  #directory: Directory | undefined;
  #nonce: string | undefined;

  constructor(options: AcmeClientOptions) {
    this.#options = options;
    this.#account = options.account;
    this.#transport = new Transport(options);
  }

  get signal(): AbortSignal {
    return this.#options.signal;
  }

  /** What the authority says of itself. Read once. */
  async directory(): Promise<Directory> {
    this.#directory ??= await this.get(this.#options.directory, Directory, "the directory");
    return this.#directory;
  }

  /** An account for the key, or the one that it has already (RFC 8555 §7.3). Resolves to its URL. */
  async register({ contact, agreesToTerms, externalAccount }: Registration): Promise<string> {
    const { newAccount, meta } = await this.directory();
    if (meta?.termsOfService !== undefined && !agreesToTerms)
      throw new AcmeError({ kind: "terms", url: meta.termsOfService });
    if (meta?.externalAccountRequired === true && externalAccount === undefined)
      throw new AcmeError({ kind: "binding" });
    const known = {
      contact: contact === undefined ? [] : [`mailto:${contact}`],
      ...(agreesToTerms ? { termsOfServiceAgreed: true } : {}),
    };
    this.#account = undefined;
    const answer = await this.post(newAccount, {
      ...known,
      ...(externalAccount === undefined
        ? {}
        : { externalAccountBinding: await boundTo(externalAccount, this.#options.key, newAccount) }),
    });
    this.#account = safeUrl(answer.headers.location).href;
    // 200: it was there, with the contact that it had then.
    if (answer.status === 200) await this.post(this.#account, known);
    return this.#account;
  }

  /** Throws an AcmeError for what is no answer of this kind. */
  async get<Schema extends TSchema>(url: string, schema: Schema, what: string): Promise<Static<Schema>> {
    return read(accepted(await this.#transport.ask({ method: "GET", url })), schema, what);
  }

  /** The same with everything that came with it. */
  async getWhole(url: string): Promise<HttpsAnswer> {
    return accepted(await this.#transport.ask({ method: "GET", url }));
  }

  /** A signed request; without a payload it reads. A refusal is thrown. */
  async post(url: string, payload?: object, accept?: string): Promise<HttpsAnswer> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#postOnce(url, payload, accept);
      } catch (error) {
        const isStale = error instanceof AcmeError && error.isRefusal("badNonce");
        if (!isStale || attempt >= limits.nonceRetries) throw error;
      }
    }
  }

  [Symbol.dispose](): void {
    this.#transport[Symbol.dispose]();
  }

  async #postOnce(url: string, payload: object | undefined, accept?: string): Promise<HttpsAnswer> {
    const nonce = this.#nonce ?? (await this.#freshNonce());
    // INVARIANT: no nonce is used twice.
    this.#nonce = undefined;
    const account = this.#account;
    const body = await signedRequest(this.#options.key, { url, nonce, account, payload });
    const question = { method: "POST", url, body, ...(accept === undefined ? {} : { accept }) } as const;
    const answer = await this.#transport.ask(question);
    this.#nonce = nonceOf(answer);
    return accepted(answer);
  }

  async #freshNonce(): Promise<string> {
    const { newNonce } = await this.directory();
    const nonce = nonceOf(accepted(await this.#transport.ask({ method: "HEAD", url: newNonce })));
    if (nonce === undefined) throw new AcmeError({ kind: "malformed", what: "the answer to newNonce" });
    return nonce;
  }
}

/** Reads an answer's JSON. */
export function read<Schema extends TSchema>(
  { text }: HttpsAnswer,
  schema: Schema,
  what: string,
): Static<Schema> {
  const value = parsed(text);
  if (!Check(schema, value)) throw new AcmeError({ kind: "malformed", what });
  return value;
}

/** A problem as it stands in a document, or as much of it as there is; `undefined` for what is none. */
export function problemOf(value: unknown): AcmeProblem | undefined {
  if (!Check(Problem, value)) return undefined;
  const { type = "about:blank", detail = "", instance, subproblems = [] } = value;
  // Authorities say the reason for one of several names there.
  const details = [detail, ...subproblems.slice(0, 3).map((each) => each.detail ?? "")];
  return {
    type: (type.split(":").at(-1) ?? "").slice(0, limits.typeCharacters),
    detail: details
      .filter((each) => each !== "")
      .join("; ")
      .slice(0, limits.detailCharacters),
    ...(instance === undefined ? {} : { instance: instance.slice(0, limits.detailCharacters) }),
  };
}

/** The answer, where it is no refusal. */
function accepted(answer: HttpsAnswer): HttpsAnswer {
  const { status, headers, text } = answer;
  if (status >= 200 && status < 300) return answer;
  const isProblem = headers["content-type"]?.startsWith("application/problem+json") === true;
  throw new AcmeError({
    kind: "refused",
    status,
    problem: isProblem ? problemOf(parsed(text)) : undefined,
    retryAfterMs: retryAfterMs(headers, Date.now()),
  });
}

function nonceOf({ headers }: HttpsAnswer): string | undefined {
  const nonce = headers["replay-nonce"];
  return typeof nonce === "string" && /^[A-Za-z0-9_-]{1,512}$/.test(nonce) ? nonce : undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
