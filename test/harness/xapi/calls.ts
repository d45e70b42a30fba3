import { randomUUID } from "node:crypto";
import { matches, NULL_REF, type XapiObjects } from "./objects.ts";

/** An error as XAPI has it: a code, and words beside it. */
export class Refusal extends Error {
  readonly data: readonly string[];

  constructor(code: string, ...data: readonly string[]) {
    super(code);
    this.data = data;
  }
}

type Role = "pool-admin" | "vm-operator" | "read-only";

interface Account {
  readonly password: string;
  readonly role: Role;
}

export interface Session {
  readonly ref: string;
  readonly user: string;
  readonly role: Role;
  readonly originator: string;
}

/** Switches a machine as the toolstack would. Resolves once it is done. */
export type Switch = (ref: string, method: string, params: readonly unknown[]) => Promise<void>;

interface Parts {
  readonly objects: XapiObjects;
  readonly accounts: Readonly<Record<string, Account>>;
  readonly power: Switch;
}

/** What a role of ocaml/idl/datamodel_roles.ml may do beyond looking. */
const MAY_SWITCH: ReadonlySet<Role> = new Set(["pool-admin", "vm-operator"]);

/** Which states each order takes (ocaml/xapi/xapi_vm_lifecycle.ml). */
const FROM: Readonly<Record<string, readonly string[]>> = {
  start: ["Halted"],
  unpause: ["Paused"],
  resume: ["Suspended"],
  clean_shutdown: ["Running"],
  hard_shutdown: ["Running", "Paused", "Suspended"],
  clean_reboot: ["Running"],
  hard_reboot: ["Running", "Paused"],
};
/** Parameters behind the machine, which XAPI counts. */
const PARAMS: Readonly<Record<string, number>> = { start: 2, resume: 2 };

/**
 * The calls of XAPI that are asked for, as ocaml/idl/datamodel*.ml and ocaml/xapi/xapi_session.ml have them (xen-api e2ee48d6). It knows no
 * other, and takes none with another number of parameters.
 */
export class XapiCalls {
  readonly sessions = new Map<string, Session>();
  /** Every method that was asked, in order. */
  readonly asked: string[] = [];
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async call(method: string, params: readonly unknown[], leave: AbortSignal): Promise<unknown> {
    this.asked.push(method);
    if (method === "session.login_with_password") return this.#login(params);
    const [ref, ...rest] = params;
    const session = this.sessions.get(String(ref));
    if (session === undefined) throw new Refusal("SESSION_INVALID", String(ref));
    if (method === "session.logout") return this.#logout(session, rest);
    if (method === "event.from") return await this.#events(rest, leave);
    const order = /^Async\.VM\.(\w+)$/.exec(method)?.[1];
    if (order !== undefined) return await this.#order(session, order, rest);
    return this.#records(method, rest);
  }

  #login(params: readonly unknown[]): string {
    const [user, password, version, originator] = params;
    if (params.length !== 4 || typeof version !== "string" || typeof originator !== "string")
      throw new Refusal("MESSAGE_PARAMETER_COUNT_MISMATCH", "session.login_with_password");
    const account = this.#parts.accounts[String(user)];
    if (account === undefined || account.password !== password)
      throw new Refusal("SESSION_AUTHENTICATION_FAILED", String(user), "denied");
    const ref = `OpaqueRef:${randomUUID()}`;
    this.sessions.set(ref, { ref, user: String(user), role: account.role, originator });
    return ref;
  }

  #logout({ ref }: Session, rest: readonly unknown[]): string {
    if (rest.length > 0) throw new Refusal("MESSAGE_PARAMETER_COUNT_MISMATCH", "session.logout");
    this.sessions.delete(ref);
    return "";
  }

  async #events([classes, token, timeout, ...more]: readonly unknown[], leave: AbortSignal): Promise<object> {
    if (!Array.isArray(classes) || typeof token !== "string" || more.length > 0)
      throw new Refusal("MESSAGE_PARAMETER_COUNT_MISMATCH", "event.from");
    // rpclib reads a number without a fraction as an integer, and no float out of that.
    if (typeof timeout !== "number" || Number.isInteger(timeout))
      throw new Refusal("FIELD_TYPE_ERROR", "timeout");
    if (!/^(|\d+,\d+)$/.test(token)) throw new Refusal("EVENT_FROM_TOKEN_PARSE_FAILURE", token);
    const late = AbortSignal.any([leave, AbortSignal.timeout(timeout * 1_000)]);
    return await this.#parts.objects.eventsFrom(classes, token, late);
  }

  async #order(session: Session, order: string, [vm, ...params]: readonly unknown[]): Promise<string> {
    const { objects, power } = this.#parts;
    const from = FROM[order];
    if (from === undefined) throw new Refusal("MESSAGE_METHOD_UNKNOWN", `Async.VM.${order}`);
    if (params.length !== (PARAMS[order] ?? 0))
      throw new Refusal("MESSAGE_PARAMETER_COUNT_MISMATCH", `Async.VM.${order}`);
    if (!MAY_SWITCH.has(session.role))
      throw new Refusal("RBAC_PERMISSION_DENIED", `vm.${order}`, "No permission");
    const ref = String(vm);
    const fields = objects.get("VM", ref);
    if (fields === undefined) throw new Refusal("HANDLE_INVALID", "VM", ref);
    const task = objects.add("task", { status: "pending", error_info: [] });
    const state = String(fields["power_state"]);
    // As XAPI does it: the task is there, and what is wrong with the order stands in it.
    if (!from.includes(state))
      objects.set(task, { status: "failure", error_info: ["VM_BAD_POWER_STATE", ref, from[0] ?? "", state] });
    else
      void power(ref, order, params).then(
        () => objects.get("task", task) && objects.set(task, { status: "success" }),
        () => objects.set(task, { status: "failure", error_info: ["INTERNAL_ERROR", "power"] }),
      );
    return task;
  }

  #records(method: string, params: readonly unknown[]): unknown {
    const { objects } = this.#parts;
    const [, name = "", what] =
      /^(VM|VM_guest_metrics|console|pool|host|Certificate|task)\.(\w+)$/.exec(method) ?? [];
    const [first] = params;
    if (what === "get_all_records" && params.length === 0) return Object.fromEntries(objects.all(name));
    if (what === "get_all_records_where" && params.length === 1)
      return Object.fromEntries(objects.all(name).filter(([, fields]) => matches(first, fields)));
    if (what === "get_record" && params.length === 1) {
      const fields = objects.get(name, String(first));
      if (fields === undefined || first === NULL_REF)
        throw new Refusal("HANDLE_INVALID", name, String(first));
      return fields;
    }
    if (name === "task" && what === "destroy") {
      objects.remove(String(first));
      return "";
    }
    throw new Refusal("MESSAGE_METHOD_UNKNOWN", method);
  }
}
