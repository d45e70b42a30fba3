import type { Secret } from "#base/secret.ts";
import { HttpsClient } from "../https-client.ts";
import { HypervisorError } from "../hypervisor-error.ts";
import type { Trust } from "../trust.ts";
import { readName, type XenAddress } from "./address.ts";
import { Clients } from "./clients.ts";
import { asStep } from "./explained.ts";
import { toPin } from "./fingerprint.ts";
import { readAnswer, writeCall, XapiError } from "./json-rpc.ts";
import { read } from "./records.ts";

const limits = {
  /** All that it takes to sign in: the hosts that are named, one after the other, and the master. Less than a console may take. */
  enterMs: 7_000,
  /** To give a session back, which nobody waits for. */
  leaveMs: 5_000,
  /**
   * How long a password that was refused is not tried again, whoever asks: directories shut out who tries too often, such as ten times
   * in ten minutes, and each replica tries for itself. Whoever sets another has another client, which asks at once.
   */
  refusedMs: 5 * 60_000,
  /** Of an answer that holds no list. */
  answerBytes: 1024 * 1024,
  /** That are known how to be asked at once: as many as the largest pools have. */
  hosts: 64,
} as const;

/** As which XAPI lists our sessions; it bounds those of one name, so consoles never push out the one that watches. */
const ORIGINATOR = { own: "porthole", console: "porthole-console" } as const;

/**
 * A host that is no master is asked for the master's certificate beside its place (XAPI from 24.1 on, ocaml/xapi/api_server.ml): the pin of another
 * host does not say who that is.
 */
const THUMBPRINT = {
  asked: { "x-xenapi-request-host-certificate-thumbprint": "sha-256:master" },
  answered: "x-xenapi-response-host-certificate-thumbprint",
} as const;

export interface XenAccess {
  readonly address: XenAddress;
  readonly username: string;
  readonly secret: Secret;
  readonly trust: Trust;
  /** It is registered to show only. */
  readonly isReadOnly: boolean;
}

interface Session {
  /** The master, which is asked for all that is not a console. */
  readonly host: string;
  readonly ref: string;
}

interface Led {
  readonly host: string;
  readonly pin: string;
}

interface Failure {
  readonly host: string;
  readonly error: HypervisorError;
}

interface Asking {
  readonly signal: AbortSignal;
  readonly answerBytes?: number;
  /** It is answered once something happens. */
  readonly waits?: boolean;
}

/**
 * One pool, asked by JSON-RPC with one session that all share. Where XAPI knows the session no more it is opened anew, once for each
 * call. Throws a HypervisorError with the step that failed, an XapiError where XAPI refuses a call, or the signal's reason.
 */
export class XapiClient {
  readonly #access: XenAccess;
  readonly #clients: Clients<HttpsClient>;
  readonly #closing = new AbortController();
  #session: Promise<Session> | undefined;
  /** What that came to. */
  #known: Session | undefined;
  /** Whom the last sign-in found to be the master: asked first at the next. */
  #master: string | undefined;
  /** The master to which a host has led that is known by its pin, and the pin that it said the master has. */
  #led: Led | undefined;
  #refused: { readonly until: number; readonly error: HypervisorError } | undefined;

  constructor(access: XenAccess) {
    this.#access = access;
    this.#clients = new Clients(limits.hosts, (host) => this.clientOf(host, this.trustAt(host)));
  }

  /** The session stands before the parameters. */
  async call(method: string, params: readonly unknown[], asking: Asking): Promise<unknown> {
    const session = await this.#current(asking.signal);
    try {
      return await this.#ask(session, method, params, asking);
    } catch (error) {
      if (!isStale(error)) throw error;
      this.#forget(session);
    }
    return await this.#ask(await this.#current(asking.signal), method, params, asking);
  }

  /** Who is asked now, and by which session. */
  async session(signal: AbortSignal): Promise<Session> {
    return await this.#current(signal);
  }

  /** A session of a console's own. It ends with `leave`, or where nobody waits for it any more, at once. */
  async enter(signal: AbortSignal): Promise<string> {
    const { host } = await this.#current(signal);
    const entering = this.#login(
      host,
      "console",
      AbortSignal.any([this.#closing.signal, AbortSignal.timeout(limits.enterMs)]),
    );
    try {
      return await orAbort(entering, signal);
    } catch (error) {
      entering.then(async (ref) => await this.leave(ref)).catch(() => {});
      throw error instanceof XapiError ? asStep(error) : error;
    }
  }

  /** Gives a session back, for which nobody has to be signed in. One that XAPI knows no more is given back. */
  async leave(ref: string, signal: AbortSignal = AbortSignal.timeout(limits.leaveMs)): Promise<void> {
    const failures: Failure[] = [];
    for (const host of this.#hosts()) {
      try {
        await this.#leaveAt({ host, ref }, signal);
        return;
      } catch (error) {
        if (!(error instanceof HypervisorError) || !isWay(error)) throw error;
        failures.push({ host, error });
      }
    }
    throw together(failures);
  }

  async #leaveAt(session: Session, signal: AbortSignal): Promise<void> {
    try {
      await this.#logout(session, signal);
    } catch (error) {
      if (!(error instanceof XapiError)) throw error;
      if (error.code !== "HOST_IS_SLAVE") throw asStep(error);
      await this.#logout({ ...session, host: masterOf(error) }, signal);
    }
  }

  /** In the order in which they are asked. */
  #hosts(): Iterable<string> {
    const { hosts } = this.#access.address;
    return new Set(this.#master === undefined ? hosts : [this.#master, ...hosts]);
  }

  /** By what the host is known that is asked as the master. */
  trustAt(host: string): Trust {
    const { trust } = this.#access;
    return this.#led?.host === host ? { ...trust, pin: this.#led.pin } : trust;
  }

  /** How a host is known, and its place. Whoever gets the client ends it. */
  clientOf(host: string, trust: Trust): HttpsClient {
    return new HttpsClient({ host, port: this.#access.address.port, trust });
  }

  async close(): Promise<void> {
    const session = await this.#session?.catch(() => undefined);
    this.#session = undefined;
    if (session !== undefined)
      await this.#logout(session, AbortSignal.timeout(limits.leaveMs)).catch(() => {});
    this.#closing.abort(new Error("closed from here"));
    this.#clients[Symbol.dispose]();
  }

  async #current(signal: AbortSignal): Promise<Session> {
    signal.throwIfAborted();
    this.#closing.signal.throwIfAborted();
    const entering = this.#session ?? this.#signIn();
    this.#session = entering;
    entering.catch(() => {
      if (this.#session === entering) this.#session = undefined;
    });
    return await orAbort(entering, signal);
  }

  #forget(session: Session): void {
    if (this.#known !== session) return;
    this.#known = undefined;
    this.#session = undefined;
  }

  /** Asks the hosts one after the other who is the master. Only what a host says of itself is followed, and one step far. */
  async #signIn(): Promise<Session> {
    const signal = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(limits.enterMs)]);
    const failures: Failure[] = [];
    for (const host of this.#hosts()) {
      try {
        const session = await this.#signInAt(host, signal);
        this.#master = session.host;
        this.#known = session;
        return session;
      } catch (thrown) {
        const error = thrown instanceof XapiError ? asStep(thrown) : thrown;
        if (!(error instanceof HypervisorError)) throw error;
        if (error.step === "credentials") throw error;
        failures.push({ host, error });
      }
    }
    throw together(failures);
  }

  async #signInAt(host: string, signal: AbortSignal): Promise<Session> {
    try {
      return { host, ref: await this.#login(host, "own", signal) };
    } catch (error) {
      if (!(error instanceof XapiError) || error.code !== "HOST_IS_SLAVE") throw error;
      const master = masterOf(error);
      return { host: master, ref: await this.#login(master, "own", signal) };
    }
  }

  /** For consoles too: while the session that all share goes on, the password may have become another. */
  async #login(host: string, originator: keyof typeof ORIGINATOR, signal: AbortSignal): Promise<string> {
    if (this.#refused !== undefined && performance.now() < this.#refused.until) throw this.#refused.error;
    const { username, secret } = this.#access;
    const params = [username, secret.expose(), "2.0", ORIGINATOR[originator]];
    try {
      return read.ref(await this.#post(host, writeCall("session.login_with_password", params), { signal }));
    } catch (error) {
      if (!(error instanceof XapiError) || error.code !== "SESSION_AUTHENTICATION_FAILED") throw error;
      this.#refused = { until: performance.now() + limits.refusedMs, error: asStep(error) };
      throw this.#refused.error;
    }
  }

  async #logout({ host, ref }: Session, signal: AbortSignal): Promise<void> {
    try {
      await this.#post(host, writeCall("session.logout", [ref]), { signal });
    } catch (error) {
      if (!(error instanceof XapiError)) throw error;
      if (error.code !== "SESSION_INVALID" && error.code !== "HANDLE_INVALID") throw error;
    }
  }

  async #ask(session: Session, method: string, params: readonly unknown[], asking: Asking): Promise<unknown> {
    try {
      return await this.#post(session.host, writeCall(method, [session.ref, ...params]), asking);
    } catch (error) {
      // Perhaps it is not the master any more, or is gone: whoever asks next looks for it anew.
      if (error instanceof HypervisorError && isWay(error)) this.#forget(session);
      throw error;
    }
  }

  async #post(
    host: string,
    body: string,
    { signal, answerBytes = limits.answerBytes, waits = false }: Asking,
  ): Promise<unknown> {
    const client = this.#clients.of(host);
    const thumbprint = this.#access.trust.pin === undefined ? {} : THUMBPRINT.asked;
    const answer = await client
      .ask({
        ...{ method: "POST", path: "/jsonrpc", body, answerBytes, signal, waits },
        headers: { "content-type": "application/json", ...thumbprint },
      })
      .catch((error: unknown) => {
        // Perhaps its certificate is another one by now: whoever leads there next says which.
        if (error instanceof HypervisorError && error.step === "tls" && this.#led?.host === host)
          this.#setLed(undefined);
        throw error;
      });
    if (answer.status !== 200)
      throw new HypervisorError("answer", `${host} answers with HTTP status ${answer.status}`);
    try {
      return readAnswer(answer.body);
    } catch (error) {
      if (error instanceof XapiError && error.code === "HOST_IS_SLAVE") {
        const pin = toPin(String(answer.headers[THUMBPRINT.answered]));
        const isAsked = this.#access.trust.pin !== undefined;
        if (isAsked && pin !== undefined) this.#setLed({ host: masterOf(error), pin });
      }
      throw error;
    }
  }

  #setLed(led: Led | undefined): void {
    const hosts = [this.#led, led].flatMap((each) => each?.host ?? []);
    const before = new Map(hosts.map((host) => [host, this.trustAt(host).pin]));
    this.#led = led;
    for (const host of hosts) {
      if (this.trustAt(host).pin === before.get(host)) continue;
      this.#clients.forget(host);
    }
  }
}

/** The session is over, or the master another one: nothing was done. */
function isStale(error: unknown): boolean {
  return error instanceof XapiError && (error.code === "SESSION_INVALID" || error.code === "HOST_IS_SLAVE");
}

function isWay({ step }: HypervisorError): boolean {
  return step === "dns" || step === "tcp" || step === "tls";
}

function masterOf({ data: [address] }: XapiError): string {
  try {
    return readName(String(address));
  } catch (cause) {
    throw new HypervisorError("answer", "it names no master that could be asked", { cause });
  }
}

/** Of several hosts, what was amiss with each. */
function together(failures: readonly Failure[]): Error {
  const [first] = failures;
  if (first === undefined) return new HypervisorError("dns", "no host is named");
  if (failures.length === 1) return first.error;
  const words = failures.map(({ host, error }) => `${host}: ${error.message}`);
  return new HypervisorError(first.error.step, words.join("; "), { cause: first.error });
}

/** What it comes to, or the signal's reason: what many wait for does not end with one of them. */
async function orAbort<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  signal.throwIfAborted();
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}
