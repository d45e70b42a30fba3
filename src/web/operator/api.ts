import type { Static, TSchema } from "typebox";
import { Type } from "typebox";
import { Check } from "typebox/schema";
import {
  Account,
  API_PREFIX,
  Machine,
  Node,
  Page,
  Project,
  pageLimits,
  Session,
  Setting,
  type SignIn,
} from "#wire/api.ts";
import { Certificate, type NewCertificate, NodeAuthority } from "#wire/certificate.ts";
import type { ErrorCode } from "#wire/errors.ts";
import {
  Hypervisor,
  type HypervisorChange,
  HypervisorTest,
  type NewHypervisor,
  WaitingMachine,
} from "#wire/hypervisors.ts";
import type { PowerAction } from "#wire/power-action.ts";
import { SelfCheck } from "#wire/self-check.ts";
import { knownCode } from "../ui/error-texts.ts";
import type { CertificateOverview } from "./certificates/overview.ts";

/** What went wrong with a request: the catalogue's code, or that nobody of ours answered. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly code: ErrorCode | "no_answer";
  readonly detail: string | undefined;
  readonly reference: string | undefined;
  /** Everything that is wrong with what was sent, where that is more than one thing. */
  readonly problems: readonly string[];

  constructor(
    code: ErrorCode | "no_answer",
    { detail, reference, problems }: { detail?: unknown; reference?: unknown; problems?: unknown } = {},
  ) {
    super(code);
    this.problems = Check(TEXTS, problems) ? problems : [];
    this.code = code;
    this.detail = typeof detail === "string" ? detail : undefined;
    this.reference = typeof reference === "string" ? reference : undefined;
  }
}

const limits = {
  answerMs: 20_000,
  /** Control waits for nodes within it. */
  selfCheckMs: 40_000,
  /** Control goes the whole way to a hypervisor within it. */
  hypervisorTestMs: 40_000,
  /** More than this is not listed at once; a filter then asks control. */
  pages: 10,
} as const;

/** What was there of a list that may be long. */
export interface PartOf<Item> {
  readonly items: readonly Item[];
  /** False where there are more than are listed. */
  readonly complete: boolean;
}

/** The calls that these pages make. All of them throw an ApiError. */
export class Api {
  readonly #send: typeof fetch;

  constructor(send: typeof fetch = (...request) => fetch(...request)) {
    this.#send = send;
  }

  async signIn(code: string): Promise<void> {
    await this.#call("sign-in", { method: "POST", body: { code } satisfies SignIn });
  }

  async signOut(): Promise<void> {
    await this.#call("sign-out", { method: "POST" });
  }

  async me(): Promise<Account> {
    return parse(Account, await this.#call("me"));
  }

  /** Pages until the end, or until a bound; `keyword` has control look for it in the names. */
  async machines(keyword = ""): Promise<PartOf<Machine>> {
    return await this.#pages(Machine, "machines", searched(keyword));
  }

  /** Those of hypervisors that no project has yet, alike. */
  async waitingMachines(keyword = ""): Promise<PartOf<WaitingMachine>> {
    return await this.#pages(WaitingMachine, "waiting-machines", searched(keyword));
  }

  /** Puts a machine into a project, one that waits or another. */
  async assign(id: string, project: string): Promise<void> {
    const options = { method: "PUT", body: { project } } as const;
    await this.#call(`machines/${encodeURIComponent(id)}/project`, options);
  }

  async projects(): Promise<PartOf<Project>> {
    return await this.#pages(Project, "projects");
  }

  async hypervisors(): Promise<readonly Hypervisor[]> {
    return await this.#list(Hypervisor, "hypervisors");
  }

  async addHypervisor(body: NewHypervisor): Promise<Hypervisor> {
    return parse(Hypervisor, await this.#call("hypervisors", { method: "POST", body }));
  }

  async changeHypervisor(id: string, body: HypervisorChange): Promise<Hypervisor> {
    const path = `hypervisors/${encodeURIComponent(id)}`;
    return parse(Hypervisor, await this.#call(path, { method: "PATCH", body }));
  }

  /** Has control go the whole way there; a way that fails is an answer as well. */
  async testHypervisor(id: string): Promise<HypervisorTest> {
    const options = { method: "POST", answerMs: limits.hypervisorTestMs } as const;
    return parse(HypervisorTest, await this.#call(`hypervisors/${encodeURIComponent(id)}/test`, options));
  }

  async removeHypervisor(id: string): Promise<void> {
    await this.#call(`hypervisors/${encodeURIComponent(id)}`, { method: "DELETE" });
  }

  /** How many consoles of a hypervisor's machines are open now. */
  async openConsoles(hypervisorId: string): Promise<number> {
    const [machines, sessions] = await Promise.all([
      this.machines(),
      this.#pages(Session, "sessions", { state: "active" }),
    ]);
    const theirs = new Set(
      machines.items.filter(({ hypervisor }) => hypervisor?.id === hypervisorId).map(({ id }) => id),
    );
    return sessions.items.filter(({ machineId }) => theirs.has(machineId)).length;
  }

  async #pages<Schema extends TSchema>(
    item: Schema,
    path: string,
    wanted: Readonly<Record<string, string>> = {},
  ): Promise<PartOf<Static<Schema>>> {
    const all: Static<Schema>[] = [];
    let after: string | undefined;
    for (let page = 0; page < limits.pages; page++) {
      const query = { limit: String(pageLimits.maximumItems), ...wanted };
      const answer: { readonly items: readonly Static<Schema>[]; readonly next?: string } = parse(
        Page(item),
        await this.#call(path, { query: paged(query, after) }),
      );
      all.push(...answer.items);
      if (answer.next === undefined) return { items: all, complete: true };
      after = answer.next;
    }
    return { items: all, complete: false };
  }

  /** Resolves when its hypervisor has taken the order. */
  async power(id: string, action: PowerAction): Promise<void> {
    const options = { method: "POST", body: { action } } as const;
    await this.#call(`machines/${encodeURIComponent(id)}/power`, options);
  }

  /** Newest first. */
  async sessions(after?: string): Promise<Page<Session>> {
    return parse(SESSIONS, await this.#call("sessions", { query: paged({}, after) }));
  }

  /** Wherever it is open. Whoever is listed a session may end it. */
  async endSession(id: string): Promise<void> {
    await this.#call(`sessions/${encodeURIComponent(id)}/end`, { method: "POST" });
  }

  /** Everything about certificates, for administrators. */
  async certificates(): Promise<CertificateOverview> {
    const [certificates, nodes, authority, settings] = await Promise.all([
      this.#list(Certificate, "certificates"),
      this.#list(Node, "nodes"),
      this.#call("certificates/authority").then((answer) => parse(NodeAuthority, answer)),
      this.#list(Setting, "settings"),
    ]);
    const setting = (wanted: string) => settings.find(({ name }) => name === wanted)?.value;
    const isTls = setting("consoleproxy.sslEnabled") === "true";
    const domain = setting("consoleproxy.url.domain") ?? "";
    return { certificates, nodes, authority, isTls, domain };
  }

  /** The pools that have a node, whether it is heard of just now or not. */
  async nodePools(): Promise<readonly string[]> {
    const nodes = await this.#list(Node, "nodes");
    const pools = nodes.filter(({ state }) => state !== "revoked").flatMap(({ pool }) => pool ?? []);
    return [...new Set(pools)].sort();
  }

  async uploadCertificate(body: NewCertificate): Promise<Certificate> {
    return parse(Certificate, await this.#call("certificates", { method: "POST", body }));
  }

  async removeCertificate(id: string): Promise<void> {
    await this.#call(`certificates/${encodeURIComponent(id)}`, { method: "DELETE" });
  }

  /** One that is short by its nature, and comes in one piece. */
  async #list<Schema extends TSchema>(item: Schema, path: string): Promise<readonly Static<Schema>[]> {
    const answer: { readonly items: readonly Static<Schema>[] } = parse(
      Type.Object({ items: Type.Array(item) }),
      await this.#call(path),
    );
    return answer.items;
  }

  /** Looks from control, or has nodes look, which takes them some seconds. */
  async selfCheck(side: "control" | "nodes"): Promise<SelfCheck> {
    const options = { method: "POST", body: {}, answerMs: limits.selfCheckMs } as const;
    return parse(SelfCheck, await this.#call(`self-check/${side}`, options));
  }

  async #call(path: string, options: CallOptions = {}): Promise<unknown> {
    const { method = "GET", body, query = {}, answerMs = limits.answerMs } = options;
    const address = `.${API_PREFIX}/${path}?${new URLSearchParams(query)}`.replace(/\?$/, "");
    const response = await this.#fetch(address, {
      method,
      cache: "no-store",
      signal: AbortSignal.timeout(answerMs),
      ...(body === undefined
        ? {}
        : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
    });
    const answer: unknown =
      response.status === 204 ? undefined : await response.json().catch(() => undefined);
    if (!response.ok) throw errorOf(answer);
    return answer;
  }

  async #fetch(address: string, init: RequestInit): Promise<Response> {
    try {
      return await this.#send(address, init);
    } catch {
      throw new ApiError("no_answer");
    }
  }
}

interface CallOptions {
  readonly method?: "GET" | "PATCH" | "POST" | "PUT" | "DELETE";
  readonly body?: unknown;
  readonly answerMs?: number;
  readonly query?: Readonly<Record<string, string>>;
}

const TEXTS = Type.Array(Type.String());
const SESSIONS = Page(Session);

function searched(keyword: string): Readonly<Record<string, string>> {
  return keyword === "" ? {} : { keyword };
}

function paged(
  query: Readonly<Record<string, string>>,
  after: string | undefined,
): Readonly<Record<string, string>> {
  return after === undefined ? query : { ...query, after };
}

function parse<Schema extends TSchema>(schema: Schema, answer: unknown): Static<Schema> {
  if (Check(schema, answer)) return answer;
  throw new ApiError("internal", { detail: "the answer has another form than was expected" });
}

/** Answers without our error in them come from something in between. */
function errorOf(answer: unknown): ApiError {
  const error = member(answer, "error");
  const code = member(error, "code");
  if (typeof code !== "string") return new ApiError("no_answer");
  return new ApiError(knownCode(code), {
    detail: member(error, "detail"),
    reference: member(error, "reference"),
    problems: member(error, "problems"),
  });
}

function member(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
