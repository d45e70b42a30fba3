import { batch, signal } from "@preact/signals";
import type { ApiError } from "./api.ts";
import { apiError, type Visitor } from "./visitor.ts";

/** Something that is fetched and fetched again. What was there stays while it is, and also when it fails. */
export class Loaded<Data> {
  readonly data = signal<Data | undefined>(undefined);
  readonly error = signal<ApiError | undefined>(undefined);
  readonly #visitor: Pick<Visitor, "notice">;
  #newest = 0;

  constructor(visitor: Pick<Visitor, "notice">) {
    this.#visitor = visitor;
  }

  /** Answers that are overtaken by a later request's are dropped. */
  async load(fetchData: () => Promise<Data>): Promise<void> {
    const request = ++this.#newest;
    try {
      const data = await fetchData();
      if (request !== this.#newest) return;
      batch(() => {
        this.data.value = data;
        this.error.value = undefined;
      });
    } catch (thrown) {
      const error = apiError(thrown);
      if (request !== this.#newest) return;
      this.error.value = error;
      this.#visitor.notice(error);
    }
  }
}
