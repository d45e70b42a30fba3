import { signal } from "@preact/signals";
import type { Account } from "#wire/api.ts";
import { type Api, ApiError } from "./api.ts";

export type Presence =
  | { readonly kind: "arriving" }
  /** `wasIn`: on this page somebody was signed in before. */
  | { readonly kind: "signed-out"; readonly wasIn: boolean; readonly error?: ApiError }
  | { readonly kind: "signed-in"; readonly account: Account };

/** Who is at the page. */
export class Visitor {
  readonly presence = signal<Presence>({ kind: "arriving" });
  readonly #api: Pick<Api, "signIn" | "signOut" | "me">;

  constructor(api: Pick<Api, "signIn" | "signOut" | "me">) {
    this.#api = api;
  }

  /** With a sign-in link's code, or with the session that the browser still has. */
  async arrive(code?: string): Promise<void> {
    const wasIn = this.#wasIn;
    this.presence.value = { kind: "arriving" };
    const refused = code === undefined ? undefined : await thrown(this.#api.signIn(code));
    try {
      // Whoever opens an old link while signed in is signed in all the same.
      this.presence.value = { kind: "signed-in", account: await this.#api.me() };
    } catch (error) {
      this.#leave(refused ?? apiError(error), wasIn);
    }
  }

  async signOut(): Promise<void> {
    const error = await thrown(this.#api.signOut());
    if (error === undefined || error.code === "unauthenticated")
      this.presence.value = { kind: "signed-out", wasIn: true };
    else throw error;
  }

  /** For every request of the pages that failed: a session that is over shows the way to a new one. */
  notice(error: ApiError): void {
    if (error.code === "unauthenticated") this.#leave(error, this.#wasIn);
  }

  get #wasIn(): boolean {
    const presence = this.presence.peek();
    return presence.kind === "signed-in" || (presence.kind === "signed-out" && presence.wasIn);
  }

  #leave(error: ApiError, wasIn: boolean): void {
    // To have no session is how everybody comes here first, and no error.
    const said = error.code === "unauthenticated" ? {} : { error };
    this.presence.value = { kind: "signed-out", wasIn, ...said };
  }
}

async function thrown(call: Promise<unknown>): Promise<ApiError | undefined> {
  try {
    await call;
    return undefined;
  } catch (error) {
    return apiError(error);
  }
}

/** Rethrows what no request threw: that is a mistake of ours, and belongs into the browser's log. */
export function apiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  throw error;
}
