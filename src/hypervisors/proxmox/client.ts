import type { Secret } from "#base/secret.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import { HttpsClient } from "../https-client.ts";
import { HypervisorError, PartSilent } from "../hypervisor-error.ts";
import type { Trust } from "../trust.ts";
import type { Answer, Asked } from "./answers.ts";
import type { Place } from "./place.ts";
import { messageOf, readAnswer } from "./read-answer.ts";

const limits = {
  /** Twenty thousand machines, of which each says some hundred bytes. */
  answerBytes: 32 * 1024 * 1024,
} as const;

/** pveproxy, where another node of the cluster is asked in our place: that one does not answer, or breaks off. */
const NODE_UNREACHABLE = [595, 596, 599];

export interface ProxmoxAccess {
  readonly places: readonly [Place, ...Place[]];
  readonly trust: Trust;
  /** USER@REALM!TOKENID */
  readonly tokenId: string;
  readonly secret: Secret;
  readonly isReadOnly: boolean;
}

interface Question {
  readonly path: string;
  readonly signal: AbortSignal;
  /** What is said is a form; absent: it is only asked. */
  readonly form?: Readonly<Record<string, string>>;
}

/** There is no machine of that number at that node, or not any more. */
export class NoSuchMachine extends HypervisorError {}

/** The API of a cluster, through whichever of its nodes answers. */
export class ProxmoxClient implements Disposable {
  readonly #clients: readonly HttpsClient[];
  readonly #authorization: string;
  #current = 0;

  constructor({ places, trust, tokenId, secret }: ProxmoxAccess) {
    this.#clients = places.map((place) => new HttpsClient({ ...place, trust }));
    this.#authorization = `PVEAPIToken=${tokenId}=${secret.expose()}`;
  }

  /** By which it knows who asks. */
  get authorization(): string {
    return this.#authorization;
  }

  /** With where it was asked: what one node has made ready is there, and not at the others. Throws a HypervisorError, `upstream_consoles_exhausted`, or the signal's reason. */
  async ask<What extends Asked>(
    asked: What,
    question: Question,
  ): Promise<{ readonly data: Answer<What>; readonly place: Place }> {
    const { path, form, signal } = question;
    const { answer, place } = await this.#send({
      method: form === undefined ? "GET" : "POST",
      path: `/api2/json${path}`,
      headers: {
        authorization: this.#authorization,
        ...(form === undefined ? {} : { "content-type": "application/x-www-form-urlencoded" }),
      },
      ...(form === undefined ? {} : { body: new URLSearchParams(form).toString() }),
      answerBytes: limits.answerBytes,
      isRepeatable: form === undefined,
      signal,
    });
    refuse(answer.status, messageOf(answer));
    const read = readAnswer(asked, answer.body);
    if ("problem" in read) throw new HypervisorError("answer", read.problem);
    return { data: read.data, place };
  }

  [Symbol.dispose](): void {
    for (const client of this.#clients) client[Symbol.dispose]();
  }

  /** Another node is asked only where this one has not heard the question. */
  async #send(question: Parameters<HttpsClient["ask"]>[0]) {
    for (let tried = 1; ; tried += 1) {
      const client = this.#clients[this.#current] as HttpsClient;
      try {
        return { answer: await client.ask(question), place: { host: client.host, port: client.port } };
      } catch (error) {
        const isUnheard = error instanceof HypervisorError && (error.step === "dns" || error.step === "tcp");
        if (!isUnheard || question.signal.aborted || tried >= this.#clients.length) throw error;
        this.#current = (this.#current + 1) % this.#clients.length;
      }
    }
  }
}

function refuse(status: number, message: string): void {
  const said = message === "" ? "" : `: ${message}`;
  if (status === 200) return;
  if (status === 401)
    throw new HypervisorError(
      "credentials",
      `the API token is not taken: it is not known, its secret is another, or it has expired${said}`,
    );
  if (status === 403) throw new HypervisorError("rights", `the API token may not do that${said}`);
  if (status >= 300 && status < 400)
    throw new HypervisorError("answer", `it leads elsewhere (HTTP status ${status}), where nobody follows`);
  if (NODE_UNREACHABLE.includes(status))
    throw new PartSilent("answer", `the node that has the machine does not answer to the cluster${said}`);
  // PVE::AbstractConfig::load_config
  if (/^Configuration file '[^']*' does not exist/.test(message))
    throw new NoSuchMachine("answer", "it has no machine of that number there");
  // PVE::Tools::next_unused_port: a console has one of a hundred ports of its node.
  if (/^unable to find free port /.test(message))
    throw new GatewayError("upstream_consoles_exhausted", {
      detail: "all ports that a node of Proxmox VE has for consoles are taken",
    });
  throw new HypervisorError("answer", `it answers with HTTP status ${status}${said}`);
}
