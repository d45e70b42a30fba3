import type { Pass } from "./addresses.ts";

/** What a tab keeps of its console, so that a reloaded page knows what it was and can open it again. */
export interface TabRecord {
  /** The end of the ticket that was used here: enough to know it again, of no use to anybody. */
  readonly ticketTail: string;
  readonly extra?: string;
  /** Present once the console was attached. */
  readonly reopen?: string;
  readonly machine?: string;
}

const KEY = "porthole.console";
const TAIL = 16;

export type TabStorage = Pick<Storage, "getItem" | "setItem" | "removeItem">;

/** Records are kept by the page's path: one tab may come to several. Storage that is denied remembers nothing. */
export class TabMemory {
  readonly #storage: TabStorage | undefined;
  readonly #key: string;

  constructor(storage: TabStorage | undefined, path: string) {
    this.#storage = storage;
    this.#key = `${KEY}:${path}`;
  }

  read(): TabRecord | undefined {
    const text = this.#storage?.getItem(this.#key) ?? "";
    try {
      return record(JSON.parse(text));
    } catch {
      return undefined;
    }
  }

  write(record: TabRecord): void {
    try {
      this.#storage?.setItem(this.#key, JSON.stringify(record));
    } catch {
      // A full storage costs the reloaded page its button, and nothing else.
    }
  }
}

export function ticketTail({ ticket }: Pass): string {
  return ticket.slice(-TAIL);
}

function record(value: unknown): TabRecord | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { ticketTail, extra, reopen, machine } = value as Record<string, unknown>;
  if (typeof ticketTail !== "string") return undefined;
  return {
    ticketTail,
    ...(typeof extra === "string" ? { extra } : {}),
    ...(typeof reopen === "string" ? { reopen } : {}),
    ...(typeof machine === "string" ? { machine } : {}),
  };
}
