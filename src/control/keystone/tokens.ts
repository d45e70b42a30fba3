import { hash } from "node:crypto";
import type { Clock } from "#base/clock.ts";
import type { Log } from "#base/process/log.ts";
import type { Secret } from "#base/secret.ts";
import { Shares } from "#base/shares.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { Audit } from "../audit/audit.ts";
import type { Caller, Whence } from "../services.ts";
import type { SettingValues } from "../settings/settings.ts";
import { prepare, TEXT } from "../store/prepared.ts";
import type { Store } from "../store/store.ts";
import type { Vault } from "../vault/vault.ts";
import type { Admission, Admit, Rules } from "./admission.ts";
import { failedAt, KeystoneClient } from "./client.ts";
import { accessOf, findKeystone, rolesOf } from "./keystone-row.ts";
import { Remembered } from "./remembered.ts";
import type { KeystoneService, TokenOwner } from "./service.ts";

const limits = {
  /**
   * Tokens that are asked about at once, of which one address has a share; whoever comes with another one meanwhile is told that Keystone
   * is not available.
   */
  asking: 64,
  /** From a token to Keystone's word on it, whatever that waits for. */
  askMs: 10_000,
  /** Tokens whose word is remembered. */
  known: 10_000,
  /** The same of those that are nobody's, apart: whoever sends garbage pushes out nothing but that. */
  unknown: 1_000,
  /** A token that is nobody's may become somebody's where Keystone's own replicas lag behind. */
  unknownMs: 5_000,
  /** Of a token that is asked about; the longest of Keystone's have some thousand. */
  tokenCharacters: 4_096,
  /** From one complaint in the log that Keystone cannot be asked to the next, for the same reason. */
  complaintMs: 10_000,
} as const;

interface Parts {
  readonly store: Store;
  readonly vault: Vault;
  readonly audit: Audit;
  readonly clock: Clock;
  readonly log: Log;
  readonly values: SettingValues;
  readonly admit: Admit;
  /** Told of each question, for the metrics. */
  readonly onAnswer: (result: KeystoneResult) => void;
}

/** What came of a question about a token. */
export type KeystoneResult = "valid" | "unknown" | "unavailable";

/** What was configured, as this replica has read it, and what it remembers of that Keystone's tokens. */
interface InUse extends Disposable {
  readonly revision: string;
  readonly client: KeystoneClient;
  readonly rules: Rules;
  readonly known: Remembered<Admission>;
  readonly unknown: Remembered<true>;
  /** For who asks. INVARIANT: a place is held by each question, and left with it. */
  readonly places: Shares;
  /** By hash, so that many requests with one token are one question. */
  readonly asking: Map<string, Promise<Admission | "unknown" | "unavailable">>;
}

/** Whose a token of Keystone's is. What Keystone said of one is remembered for `identity.keystone.cache`, and no longer. */
export class KeystoneTokens implements Disposable {
  readonly #parts: Parts;
  readonly #findRevision;
  readonly #findAccount;
  #inUse: InUse | undefined;
  #complaint = { reason: "", at: Number.NEGATIVE_INFINITY };

  constructor(parts: Parts) {
    const { store } = parts;
    this.#parts = parts;
    this.#findRevision = prepare(store, {}, (db) => db.selectFrom("keystone").select("revision"));
    this.#findAccount = prepare(store, { id: TEXT }, (db, { id }) =>
      db.selectFrom("accounts").select("accounts.id").where("accounts.id", "=", id).where("disabled", "=", 0),
    );
  }

  readonly callerOf: KeystoneService["callerOf"] = async (token, from) => {
    if (!isPossible(token.expose())) return "unknown";
    const keystone = await this.#current();
    if (keystone === undefined) return "unknown";
    const admission = await this.#admissionOf(keystone, token, from);
    return typeof admission === "string" ? admission : await this.#toCaller(admission, from);
  };

  [Symbol.dispose](): void {
    this.#inUse?.[Symbol.dispose]();
    this.#inUse = undefined;
  }

  /** As it is in the database now: another replica may have changed it. */
  async #current(): Promise<InUse | undefined> {
    const { store, vault, clock } = this.#parts;
    const [row] = await this.#findRevision(store.db, {});
    if (row !== undefined && row.revision === this.#inUse?.revision) return this.#inUse;
    const whole = row === undefined ? undefined : await findKeystone(store.db);
    if (whole !== undefined && whole.revision === this.#inUse?.revision) return this.#inUse;
    this[Symbol.dispose]();
    if (whole === undefined) return undefined;
    const client = new KeystoneClient(accessOf(whole, vault), clock, limits.asking);
    this.#inUse = {
      revision: whole.revision,
      client,
      rules: { revision: whole.revision, roles: rolesOf(whole), makesProjects: whole.makes_projects === 1 },
      known: new Remembered(clock, limits.known),
      unknown: new Remembered(clock, limits.unknown),
      places: new Shares(limits.asking),
      asking: new Map(),
      [Symbol.dispose]: () => client[Symbol.dispose](),
    };
    return this.#inUse;
  }

  async #admissionOf(
    keystone: InUse,
    token: Secret,
    from: Whence & { readonly address: string },
  ): Promise<Admission | "unknown" | "unavailable"> {
    const key = hash("sha256", token.expose(), "base64url");
    const known = keystone.known.get(key);
    if (known !== undefined) return known;
    if (keystone.unknown.get(key) !== undefined) return "unknown";
    const asked = keystone.asking.get(key);
    if (asked !== undefined) return await asked;
    const leave = keystone.places.enter(from.address);
    if (typeof leave === "string") {
      this.#complain(
        leave === "full"
          ? { reason: `${limits.asking} tokens are being asked about` }
          : {
              reason: "one address has its share of tokens that are being asked about",
              address: from.address,
            },
      );
      return this.#tell("unavailable");
    }
    const asking = this.#ask(keystone, { token, key, from }).finally(() => {
      keystone.asking.delete(key);
      leave();
    });
    keystone.asking.set(key, asking);
    return await asking;
  }

  async #ask(
    keystone: InUse,
    { token, key, from }: { readonly token: Secret; readonly key: string; readonly from: Whence },
  ): Promise<Admission | "unknown" | "unavailable"> {
    const { clock, values, admit } = this.#parts;
    const said = await this.#validated(keystone, token);
    if (said === "unavailable") return this.#tell("unavailable");
    if (said === undefined || said.expiresAt <= clock.now()) {
      keystone.unknown.set(key, true, limits.unknownMs);
      return this.#tell("unknown");
    }
    const admission = await admit(said, keystone.rules, from);
    const longest = values.value("identity.keystone.cache");
    keystone.known.set(key, admission, Math.min(longest, said.expiresAt - clock.now()));
    this.#tell("valid");
    return admission;
  }

  async #validated({ client }: InUse, token: Secret) {
    try {
      return await client.validate(token, AbortSignal.timeout(limits.askMs));
    } catch (error) {
      const { step, said } = failedAt(error);
      this.#complain({ step, reason: said });
      return "unavailable" as const;
    }
  }

  /** A disabled account, or one that was removed since, comes in no more, whatever Keystone says. */
  async #toCaller(admission: Admission, from: Whence & { readonly address: string }): Promise<TokenOwner> {
    const { store, audit } = this.#parts;
    const { accountId, name } = admission;
    const isHere =
      accountId !== undefined && (await this.#findAccount(store.db, { id: accountId })).length > 0;
    const refused =
      "refused" in admission
        ? admission.refused
        : isHere
          ? undefined
          : "the account is disabled, or was removed";
    if ("refused" in admission || refused !== undefined) {
      const error = new GatewayError("forbidden", { detail: refused });
      await audit.recordRefusal(
        { action: "sign-in", by: { ...from, accountId, name }, detail: refused },
        error,
      );
      throw error;
    }
    return toCaller(admission, from);
  }

  #tell<Result extends KeystoneResult>(result: Result): Result {
    this.#parts.onAnswer(result);
    return result;
  }

  /** The same reason once in a while: who comes with a token meanwhile is told, and the metrics count them. */
  #complain(fields: { readonly reason: string; readonly step?: string; readonly address?: string }): void {
    const now = this.#parts.clock.now();
    const { reason, at } = this.#complaint;
    if (reason === fields.reason && now - at < limits.complaintMs) return;
    this.#complaint = { reason: fields.reason, at: now };
    this.#parts.log.error(fields, "Keystone could not be asked about a token");
  }
}

type Admitted = Exclude<Admission, { readonly refused: string }>;

function toCaller(
  { accountId, name, right, projectId }: Admitted,
  from: Whence & { readonly address: string },
): Caller {
  const isAdmin = right === "admin";
  return {
    ...from,
    accountId,
    name,
    role: isAdmin ? "admin" : "member",
    projectIds: projectId === undefined ? [] : [projectId],
    ...(right === "viewer" ? { consoles: "watched" } : {}),
    ...(right === "reader" ? { consoles: "none" } : {}),
  };
}

/** As a header can have it, and no longer than any. */
function isPossible(token: string): boolean {
  return token.length <= limits.tokenCharacters && /^[\x21-\x7e]+$/.test(token);
}
