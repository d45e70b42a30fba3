import type { Secret } from "#base/secret.ts";
import { late } from "../dial.ts";
import { type HttpsAnswer, HttpsClient } from "../https-client.ts";
import { HypervisorError } from "../hypervisor-error.ts";
import { shownCertificate, type Trust } from "../trust.ts";
import type { VsphereEndpoint } from "./endpoint.ts";
import {
  type About,
  readServiceContent,
  readServiceVersion,
  type ServiceContent,
} from "./service-content.ts";
import { envelope, type Parameters, type Reference, readAnswer, VsphereFault, value } from "./soap.ts";
import type { Element } from "./xml.ts";

const limits = {
  /** A page of a list is some hundred kilobytes; servers that know no pages send all machines at once. */
  answerBytes: 32 * 1024 * 1024,
  /** A screen of 4096 × 2160 as a PNG, at its worst. */
  pictureBytes: 32 * 1024 * 1024,
  /** Whoever waits for it may have given up; those that come after him need it too. */
  signInMs: 15_000,
  signOutMs: 2_000,
  /**
   * After a password that was not accepted nobody is signed in for so long: vCenter shuts an account out after five, and unlocks it
   * after five minutes. Whoever sets another password has another client, which asks at once.
   */
  refusedMs: 5 * 60_000,
} as const;

/** Faults of Login's that say nothing of the account: vCenter cannot judge it now, such as while its own directory starts. */
const UNJUDGED: ReadonlySet<string> = new Set([
  "RuntimeFault",
  "SystemError",
  "RequestCanceled",
  "HostCommunication",
  "HostNotConnected",
  "HostNotReachable",
]);

const SERVICE_INSTANCE: Reference = { type: "ServiceInstance", id: "ServiceInstance" };

export interface VsphereAccess {
  readonly endpoint: VsphereEndpoint;
  readonly trust: Trust;
  readonly username: string;
  readonly secret: Secret;
}

/** Signed in, until the platform forgets it. */
interface Session {
  readonly content: ServiceContent;
  /** As it is said: NAME=VALUE. */
  readonly cookie: string;
  /** Which of the API's versions is spoken. */
  readonly action: string;
}

export interface Call {
  readonly method: string;
  /** Of the service's own objects one is named as it is in the service content. */
  readonly target: Reference | keyof ServiceContent["objects"];
  readonly parameters?: Parameters;
  /** It changes nothing, or nothing more when it is done twice. */
  readonly isRepeatable?: boolean;
  /** It is answered once something happens. */
  readonly waits?: boolean;
}

/** What is told in place of a password that was refused, and until when. */
interface Refused {
  readonly error: HypervisorError;
  readonly until: number;
}

/** One vCenter or ESXi host, asked by SOAP (vSphere Web Services SDK) in one session, which is begun anew when it has ended. */
export class VsphereClient implements AsyncDisposable {
  readonly #https: HttpsClient;
  readonly #access: VsphereAccess;
  readonly #closing = new AbortController();
  #session: Promise<Session> | undefined;
  /** At Login, and where no session counts: one begun before the password was changed goes on. */
  #refused: Refused | undefined;
  #refusedToFetch: Refused | undefined;

  constructor(access: VsphereAccess) {
    this.#access = access;
    this.#https = new HttpsClient({ ...access.endpoint, trust: access.trust });
  }

  /** What it says of itself. Throws as `ask`. */
  async about(signal: AbortSignal): Promise<About> {
    return (await this.#signedIn(signal)).content.about;
  }

  /** Which of its own objects does what, such as `rootFolder`. Throws as `ask`. */
  async object(name: keyof ServiceContent["objects"], signal: AbortSignal): Promise<Reference> {
    return (await this.#signedIn(signal)).content.objects[name];
  }

  /** Throws a VsphereFault, a HypervisorError with the step that failed, or the signal's reason. */
  async ask(call: Call, signal: AbortSignal): Promise<Element> {
    return await this.#inSession(signal, async (session) => {
      const target = typeof call.target === "string" ? session.content.objects[call.target] : call.target;
      const answer = await this.#send(session, { ...call, target }, signal);
      return readAnswer(answer.body.toString("utf8"), call.method);
    });
  }

  /** Fetches what is no SOAP, in the same account's name. */
  async fetch(path: string, signal: AbortSignal): Promise<HttpsAnswer> {
    const { username, secret } = this.#access;
    const account = Buffer.from(`${username}:${secret.expose()}`).toString("base64");
    // Those places take an account and know no sessions of the SDK.
    await this.#signedIn(signal);
    throwIf(this.#refusedToFetch);
    const answer = await this.#https.ask({
      ...{ method: "GET", path, signal, answerBytes: limits.pictureBytes, isRepeatable: true },
      headers: { accept: "image/png", authorization: `Basic ${account}` },
    });
    if (answer.status !== 401) return answer;
    this.#refusedToFetch = refused("the account and its password are not taken any more");
    throw this.#refusedToFetch.error;
  }

  /** SHA-1 of its certificate as its own programs write it, once it is known to be its own. Throws as `ask`. */
  async thumbprint(signal: AbortSignal): Promise<string> {
    const { endpoint, trust } = this.#access;
    return (await shownCertificate(endpoint, trust, signal)).fingerprint;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Whoever is just signing in is not waited for.
    this.#closing.abort(new Error("closed from here"));
    const session = await this.#session?.catch(() => undefined);
    if (session !== undefined) {
      const signal = AbortSignal.timeout(limits.signOutMs);
      const call = { method: "Logout", target: session.content.objects.sessionManager };
      await this.#send(session, call, signal).catch(() => {});
    }
    this.#https[Symbol.dispose]();
  }

  /** Once more where the session has ended: the platform ends those of which nothing was heard for half an hour. */
  async #inSession(signal: AbortSignal, work: (session: Session) => Promise<Element>): Promise<Element> {
    const session = await this.#signedIn(signal);
    try {
      return await work(session);
    } catch (error) {
      if (!(error instanceof VsphereFault) || error.fault !== "NotAuthenticated") throw error;
      await this.#forget(session);
      return await work(await this.#signedIn(signal));
    }
  }

  async #signedIn(signal: AbortSignal): Promise<Session> {
    signal.throwIfAborted();
    this.#closing.signal.throwIfAborted();
    const { promise: givenUp, reject } = Promise.withResolvers<never>();
    const giveUp = () => reject(late(signal, "answer"));
    signal.addEventListener("abort", giveUp, { once: true });
    try {
      return await Promise.race([this.#begin(), givenUp]);
    } finally {
      signal.removeEventListener("abort", giveUp);
    }
  }

  #begin(): Promise<Session> {
    if (this.#session === undefined) {
      const begun = this.#signIn();
      this.#session = begun;
      begun.catch(() => {
        if (this.#session === begun) this.#session = undefined;
      });
    }
    return this.#session;
  }

  /** Those that find out at once begin one session and not one each. */
  async #forget(session: Session): Promise<void> {
    const current = this.#session;
    if (
      current !== undefined &&
      (await current.catch(() => undefined)) === session &&
      this.#session === current
    )
      this.#session = undefined;
  }

  async #signIn(): Promise<Session> {
    throwIf(this.#refused);
    const signal = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(limits.signInMs)]);
    const action = await this.#version(signal);
    const nobody = { action, cookie: "" };
    const asked = { method: "RetrieveServiceContent", target: SERVICE_INSTANCE, isRepeatable: true };
    const told = await this.#send(nobody, asked, signal);
    const content = readServiceContent(readAnswer(told.body.toString("utf8"), asked.method));
    const { username, secret } = this.#access;
    const login = {
      method: "Login",
      target: content.objects.sessionManager,
      parameters: `${value("userName", username)}${value("password", secret.expose())}`,
    };
    const answer = await this.#send(nobody, login, signal);
    try {
      readAnswer(answer.body.toString("utf8"), login.method);
    } catch (cause) {
      if (!(cause instanceof VsphereFault)) throw cause;
      if (UNJUDGED.has(cause.fault))
        throw new HypervisorError("answer", `it can let nobody in now: ${cause.message}`, { cause });
      this.#refused = refused(`the account is not let in: ${cause.message}`, cause);
      throw this.#refused.error;
    }
    return { content, cookie: cookieOf(answer), action };
  }

  /** Servers refuse a version that they do not know, and leave out what is newer than the one that is spoken. */
  async #version(signal: AbortSignal): Promise<string> {
    const path = "/sdk/vimServiceVersions.xml";
    const answer = await this.#https.ask({
      ...{ method: "GET", path, signal, answerBytes: limits.answerBytes, isRepeatable: true },
      headers: { accept: "text/xml" },
    });
    if (answer.status !== 200) throw unexpected(answer);
    return `urn:vim25/${readServiceVersion(answer.body.toString("utf8"))}`;
  }

  async #send(
    { action, cookie }: Pick<Session, "action" | "cookie">,
    {
      method,
      target,
      parameters = "",
      isRepeatable = false,
      waits = false,
    }: Call & { readonly target: Reference },
    signal: AbortSignal,
  ): Promise<HttpsAnswer> {
    const answer = await this.#https.ask({
      ...{ method: "POST", path: "/sdk", signal, answerBytes: limits.answerBytes, isRepeatable, waits },
      headers: {
        accept: "text/xml",
        "content-type": "text/xml; charset=utf-8",
        soapaction: `"${action}"`,
        ...(cookie === "" ? {} : { cookie }),
      },
      body: envelope(method, target, parameters),
    });
    // Faults come as 500 (SOAP 1.1 §6.2).
    if (answer.status !== 200 && answer.status !== 500) throw unexpected(answer);
    return answer;
  }
}

function refused(message: string, cause?: unknown): Refused {
  const error = new HypervisorError("credentials", message, { cause });
  return { error, until: performance.now() + limits.refusedMs };
}

function throwIf(refused: Refused | undefined): void {
  if (refused !== undefined && performance.now() < refused.until) throw refused.error;
}

function cookieOf({ headers }: HttpsAnswer): string {
  const [cookie] = (headers["set-cookie"] ?? []).flatMap(
    (line) => /^vmware_soap_session=[^\s;,]{1,512}(?=;|$)/.exec(line) ?? [],
  );
  if (cookie === undefined)
    throw new HypervisorError("answer", "it signs the account in, and gives no session");
  return cookie;
}

function unexpected({ status }: HttpsAnswer): HypervisorError {
  const where = status >= 300 && status < 400 ? ", which leads elsewhere and is not followed" : "";
  return new HypervisorError("answer", `it answers with HTTP status ${status}${where}`);
}
