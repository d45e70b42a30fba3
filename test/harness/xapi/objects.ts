import { randomUUID } from "node:crypto";
import { EventEmitter, once } from "node:events";

type Fields = Record<string, unknown>;
interface Kept {
  readonly class: string;
  fields: Fields;
  readonly created: number;
  modified: number;
}

export const NULL_REF = "OpaqueRef:NULL";

/**
 * XAPI's database: objects by reference, with a generation that rises with each change, as ocaml/xapi/xapi_event.ml reads it for event.from
 * (xen-api e2ee48d6). A token is that generation.
 */
export class XapiObjects {
  readonly #objects = new Map<string, Kept>();
  readonly #deleted: {
    readonly ref: string;
    readonly class: string;
    readonly at: number;
    readonly created: number;
  }[] = [];
  readonly #changes = new EventEmitter().setMaxListeners(0);
  #generation = 1;

  add(name: string, fields: Fields): string {
    const ref = `OpaqueRef:${randomUUID()}`;
    const at = ++this.#generation;
    this.#objects.set(ref, { class: name, fields, created: at, modified: at });
    this.#changes.emit("change");
    return ref;
  }

  set(ref: string, changed: Fields): void {
    const kept = this.#objects.get(ref);
    if (kept === undefined) throw new Error(`there is no ${ref}`);
    kept.fields = { ...kept.fields, ...changed };
    kept.modified = ++this.#generation;
    this.#changes.emit("change");
  }

  remove(ref: string): void {
    const kept = this.#objects.get(ref);
    if (kept === undefined) return;
    this.#objects.delete(ref);
    this.#deleted.push({ ref, class: kept.class, at: ++this.#generation, created: kept.created });
    this.#changes.emit("change");
  }

  get(name: string, ref: string): Fields | undefined {
    const kept = this.#objects.get(ref);
    return kept?.class === name ? kept.fields : undefined;
  }

  all(name: string): readonly (readonly [string, Fields])[] {
    return [...this.#objects]
      .filter(([, kept]) => kept.class === name)
      .map(([ref, { fields }]) => [ref, fields] as const);
  }

  /** What happened since, or nothing once `late` aborts. A class is told as `vm`, one object as `task/REF`. */
  async eventsFrom(classes: readonly string[], token: string, late: AbortSignal): Promise<object> {
    const since = token === "" ? 0 : Number(token.split(",")[0]);
    for (;;) {
      const events = this.#since(classes, since);
      if (events.length > 0 || late.aborted)
        return { events, valid_ref_counts: {}, token: `${this.#generation},0` };
      await once(this.#changes, "change", { signal: late }).catch(() => {});
    }
  }

  #since(classes: readonly string[], since: number): object[] {
    const isMeant = (name: string, ref: string) =>
      classes.includes(name.toLowerCase()) || classes.includes(`${name.toLowerCase()}/${ref}`);
    const event = (name: string, operation: string, ref: string) => ({
      ...{ id: "1", timestamp: "0.0", class: name.toLowerCase(), operation, ref },
    });
    const gone = this.#deleted
      .filter((each) => isMeant(each.class, each.ref) && each.at > since && each.created <= since)
      .map((each) => event(each.class, "del", each.ref));
    const changed = [...this.#objects]
      .filter(([ref, each]) => isMeant(each.class, ref) && each.modified > since)
      .map(([ref, each]) => ({
        ...event(each.class, each.created > since ? "add" : "mod", ref),
        snapshot: each.fields,
      }));
    return [...gone, ...changed];
  }
}

/** ocaml/xapi/db_filter_parse: `field "x" = "y"`, joined by `and`. */
export function matches(question: unknown, fields: Fields): boolean {
  return String(question)
    .split(" and ")
    .every((each) => {
      const [, field = "", wanted] = /^field "(\w+)" = "([^"]*)"$/.exec(each) ?? [];
      if (!(field in fields)) throw new Error(`no such question: ${each}`);
      return String(fields[field]) === wanted;
    });
}
