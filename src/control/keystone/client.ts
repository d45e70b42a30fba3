import type { Clock } from "#base/clock.ts";
import { Secret } from "#base/secret.ts";
import { type HttpsAnswer, HttpsClient, type HttpsQuestion } from "#hypervisors/https-client.ts";
import { HypervisorError } from "#hypervisors/hypervisor-error.ts";
import { printable } from "#wire/gateway-error.ts";
import type { HypervisorStep } from "#wire/hypervisors.ts";
import { readToken, type Said } from "./answer.ts";

const limits = {
  /** Of an answer without the catalog; one has some hundred bytes, and as many for each role. */
  answerBytes: 256 * 1024,
  /** Of the answer to a sign-in, which has the catalog of all services in all regions. */
  signInBytes: 4 * 1024 * 1024,
  /** Of Keystone's own token, as a header. */
  tokenCharacters: 8_192,
  /** A token of ours that ends sooner is not used any more, for clocks differ. */
  renewalMs: 30_000,
  /** For one sign-in, which all wait for who came meanwhile. */
  signInMs: 10_000,
} as const;

/** As whom we ask. */
export type KeystoneUser =
  | {
      readonly kind: "password";
      readonly username: string;
      readonly userDomain: string;
      readonly project: string;
      readonly projectDomain: string;
      readonly secret: Secret;
    }
  | { readonly kind: "application-credential"; readonly id: string; readonly secret: Secret };

export interface KeystoneAccess {
  /** Of the identity API, version 3, without a slash at its end. */
  readonly url: string;
  readonly caCertificate: string | undefined;
  readonly user: KeystoneUser;
}

interface Own {
  readonly token: Secret;
  readonly said: Said;
}

/** Asks one Keystone, by TLS, and signs in there whenever that has to be (identity API v3, "Validate and show information for token"). */
export class KeystoneClient implements Disposable {
  readonly #https: HttpsClient;
  readonly #path: string;
  readonly #user: KeystoneUser;
  readonly #clock: Clock;
  readonly #closing = new AbortController();
  #own: Own | undefined;
  #signingIn: Promise<Own> | undefined;

  /** `questions`: about tokens, at once; no more are to come, and none of them waits for another's answer. */
  constructor({ url, caCertificate, user }: KeystoneAccess, clock: Clock, questions = 1) {
    const { hostname, port, pathname } = new URL(url);
    // Node's URL keeps the brackets of an IPv6 address, which no socket takes.
    const host = hostname.replace(/^\[|\]$/g, "");
    const forSignIn = 1;
    this.#https = new HttpsClient({
      host,
      port: port === "" ? 443 : Number(port),
      trust: { caCertificate },
      connections: questions + forSignIn,
    });
    this.#path = `${pathname}/auth/tokens`;
    this.#user = user;
    this.#clock = clock;
  }

  /**
   * What a token is good for; `undefined` where it is none, has ended, or was revoked. Throws a HypervisorError with the step that
   * failed, or the signal's reason. In none of them stands a token.
   */
  async validate(token: Secret, signal: AbortSignal): Promise<Said | undefined> {
    const own = await before(signal, this.#signedIn());
    const answer = await this.#ask(own, token, signal);
    if (answer.status !== 401) return toSaid(answer);
    // Whatever its end was to be, our token is good no more: Keystone was restarted with other keys, or somebody revoked it.
    if (this.#own === own) this.#own = undefined;
    const again = await before(signal, this.#signedIn());
    const second = await this.#ask(again, token, signal);
    if (second.status === 401)
      throw new HypervisorError("credentials", "Keystone refuses the token that it has just given us");
    return toSaid(second);
  }

  /** As whom we are signed in, anew. Throws as `validate`. */
  async signIn(signal: AbortSignal): Promise<Said> {
    this.#own = undefined;
    return (await before(signal, this.#signedIn())).said;
  }

  [Symbol.dispose](): void {
    this.#closing.abort(new Error("closed from here"));
    this.#https[Symbol.dispose]();
  }

  async #signedIn(): Promise<Own> {
    const own = this.#own;
    if (own !== undefined && own.said.expiresAt - limits.renewalMs > this.#clock.now()) return own;
    // One for all who wait, under a deadline of its own: whoever came first may have less time left.
    this.#signingIn ??= this.#signInNow().finally(() => {
      this.#signingIn = undefined;
    });
    return await this.#signingIn;
  }

  async #signInNow(): Promise<Own> {
    const signal = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(limits.signInMs)]);
    const answer = await this.#https.ask({
      method: "POST",
      path: this.#path,
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ auth: authOf(this.#user) }),
      answerBytes: limits.signInBytes,
      signal,
    });
    if (answer.status !== 201) throw refusedSignIn(answer.status);
    const token = answer.headers["x-subject-token"];
    if (typeof token !== "string" || token === "" || token.length > limits.tokenCharacters)
      throw new HypervisorError("answer", "Keystone gives no token in X-Subject-Token");
    this.#own = { token: new Secret(token), said: readToken(answer.body) };
    return this.#own;
  }

  async #ask({ token: ours }: Own, token: Secret, signal: AbortSignal): Promise<HttpsAnswer> {
    const question: HttpsQuestion = {
      method: "GET",
      path: `${this.#path}?nocatalog`,
      headers: { "x-auth-token": ours.expose(), "x-subject-token": token.expose() },
      answerBytes: limits.answerBytes,
      signal,
      isRepeatable: true,
    };
    return await this.#https.ask(question);
  }
}

/** At which step the way failed, and what was said there: for administrators. */
export function failedAt(error: unknown): { readonly step: HypervisorStep; readonly said: string } {
  if (error instanceof HypervisorError) return { step: error.step, said: printable(error.message) };
  const isLate = error instanceof DOMException && error.name === "TimeoutError";
  const said = error instanceof Error ? error.message : String(error);
  return { step: "answer", said: isLate ? "no answer in time" : printable(said) };
}

function authOf(user: KeystoneUser): unknown {
  if (user.kind === "application-credential")
    return {
      identity: {
        methods: ["application_credential"],
        application_credential: { id: user.id, secret: user.secret.expose() },
      },
    };
  const { username: name, userDomain, project, projectDomain, secret } = user;
  return {
    identity: {
      methods: ["password"],
      password: { user: { name, domain: { name: userDomain }, password: secret.expose() } },
    },
    scope: { project: { name: project, domain: { name: projectDomain } } },
  };
}

function refusedSignIn(status: number): HypervisorError {
  if (status === 401)
    return new HypervisorError(
      "credentials",
      "Keystone does not accept the user, project and password, or the application credential, that are on record",
    );
  if (status === 403) return new HypervisorError("rights", "Keystone does not let our user sign in");
  return unexpected(status, "a sign-in");
}

function toSaid({ status, body }: HttpsAnswer): Said | undefined {
  switch (status) {
    case 200:
      return readToken(body);
    case 404:
      return undefined;
    case 403:
      throw new HypervisorError(
        "rights",
        "Keystone does not let our user validate tokens: give it the role service or admin in its project",
      );
    default:
      throw unexpected(status, "a question about a token");
  }
}

function unexpected(status: number, asked: string): HypervisorError {
  const where = status === 404 || (status >= 300 && status < 400) ? "; is the URL that of its /v3?" : "";
  return new HypervisorError("answer", `what is there answers ${asked} with status ${status}${where}`);
}

/** Waits no longer than the signal allows for what goes on for others. */
async function before<Result>(signal: AbortSignal, work: Promise<Result>): Promise<Result> {
  const { promise, reject } = Promise.withResolvers<never>();
  const giveUp = () => reject(signal.reason);
  signal.addEventListener("abort", giveUp, { once: true });
  try {
    signal.throwIfAborted();
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", giveUp);
    work.catch(() => {});
  }
}
