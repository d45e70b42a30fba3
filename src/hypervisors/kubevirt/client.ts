import { HttpsClient, type HttpsQuestion } from "../https-client.ts";
import { HypervisorError } from "../hypervisor-error.ts";
import type { KubeVirtAccess } from "./access.ts";
import type { Answer, Asked } from "./answers.ts";
import type { Cluster } from "./cluster.ts";
import { messageOf, readAnswer } from "./read-answer.ts";

const limits = {
  /** Of one page, and of a picture. An object of Kubernetes has 1.5 MiB at most, and few have a hundredth of that. */
  answerBytes: 64 * 1024 * 1024,
  /** Of what is said in place of an answer that goes on. */
  refusalBytes: 64 * 1024,
} as const;

interface Question {
  readonly path: string;
  readonly signal: AbortSignal;
}

/** A status that says what is wrong with the question, and not with the way. */
export class Refused extends HypervisorError {
  readonly status: number;

  constructor(status: number, message: string) {
    super("answer", `it answers with HTTP status ${status}${message === "" ? "" : `: ${message}`}`);
    this.status = status;
  }
}

/** The API of a cluster. */
export class KubernetesClient implements Disposable {
  readonly #access: KubeVirtAccess;
  #current: { readonly key: string; readonly client: HttpsClient } | undefined;

  constructor(access: KubeVirtAccess) {
    this.#access = access;
  }

  /** Throws a HypervisorError, `Refused` if it is the question, or the signal's reason. */
  async ask<What extends Asked>(asked: What, { path, signal }: Question): Promise<Answer<What>> {
    const body = await this.send({ method: "GET", path, signal, isRepeatable: true });
    const read = readAnswer(asked, body);
    if ("problem" in read) throw new HypervisorError("answer", read.problem);
    return read.answer;
  }

  /** Undefined where there is no such object. */
  async find<What extends Asked>(asked: What, question: Question): Promise<Answer<What> | undefined> {
    try {
      return await this.ask(asked, question);
    } catch (error) {
      if (error instanceof Refused && error.status === 404) return undefined;
      throw error;
    }
  }

  async send(question: Omit<HttpsQuestion, "answerBytes" | "waits">): Promise<Buffer> {
    const { client, cluster } = await this.#connect(question.signal);
    const { status, body } = await client.ask({
      ...asOf(cluster, question),
      answerBytes: limits.answerBytes,
    });
    refuse(status, body);
    return body;
  }

  /** What comes as it happens. */
  async open({ path, signal }: Question): Promise<AsyncIterable<Buffer>> {
    const { client, cluster } = await this.#connect(signal);
    const { status, body } = await client.open(asOf(cluster, { method: "GET", path, signal }));
    if (status !== 200) refuse(status, await beginningOf(body));
    return body;
  }

  /** How a cluster is asked at this moment. */
  async cluster(): Promise<Cluster> {
    return await this.#access.cluster();
  }

  [Symbol.dispose](): void {
    this.#current?.client[Symbol.dispose]();
  }

  async #connect(signal: AbortSignal): Promise<{
    readonly client: HttpsClient;
    readonly cluster: Cluster;
  }> {
    signal.throwIfAborted();
    const cluster = await this.#access.cluster();
    const { host, port, trust } = cluster;
    const key = JSON.stringify([host, port, trust.caCertificate, trust.pin, trust.clientCertificate]);
    // What is on its way there comes to its end, for the next is asked of who is trusted now.
    if (this.#current?.key !== key) this.#current = { key, client: new HttpsClient({ host, port, trust }) };
    return { ...this.#current, cluster };
  }
}

function asOf<Asking extends Omit<HttpsQuestion, "answerBytes">>(
  { prefix, token }: Cluster,
  question: Asking,
): Asking {
  const headers = {
    ...question.headers,
    ...(token === undefined ? {} : { authorization: `Bearer ${token.expose()}` }),
  };
  return { ...question, path: `${prefix}${question.path}`, headers };
}

async function beginningOf(body: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > limits.refusalBytes) break;
  }
  return Buffer.concat(chunks);
}

function refuse(status: number, body: Uint8Array): void {
  if (status >= 200 && status < 300) return;
  const message = messageOf(body);
  const said = message === "" ? "" : `: ${message}`;
  if (status === 401)
    throw new HypervisorError("credentials", `the token or certificate is not taken, or has expired${said}`);
  if (status === 403) throw new HypervisorError("rights", `the account may not do that${said}`);
  if (status >= 300 && status < 400)
    throw new HypervisorError("answer", `it leads elsewhere (HTTP status ${status}), where nobody follows`);
  throw new Refused(status, message);
}
