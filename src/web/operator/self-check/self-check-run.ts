import { signal } from "@preact/signals";
import {
  type CheckLine,
  controlClock,
  type Seen,
  type SelfCheck,
  toLine,
  withTokens,
} from "#wire/self-check.ts";
import type { Api, ApiError } from "../api.ts";
import { apiError, type Visitor } from "../visitor.ts";
import { localNetworkLine } from "./local-network.ts";

export const SIDES = ["control", "nodes", "browser"] as const;
export type Side = (typeof SIDES)[number];

export interface Found {
  readonly isLooking: boolean;
  readonly lines: readonly CheckLine[];
  readonly error?: ApiError;
}

/** All three sides, one after the other; what one has found stays while the next one looks. */
export class SelfCheckRun {
  readonly sides = {
    control: signal<Found>(NOTHING),
    nodes: signal<Found>(NOTHING),
    browser: signal<Found>(NOTHING),
  };
  readonly isRunning = signal(false);
  readonly #api: Pick<Api, "selfCheck">;
  readonly #visitor: Pick<Visitor, "notice">;

  constructor(api: Pick<Api, "selfCheck">, visitor: Pick<Visitor, "notice">) {
    this.#api = api;
    this.#visitor = visitor;
  }

  async start(): Promise<void> {
    if (this.isRunning.peek()) return;
    this.isRunning.value = true;
    for (const side of SIDES) this.sides[side].value = LOOKING;
    try {
      const before = Date.now();
      const control = await this.#look("control");
      const clock = { told: control?.now ?? "", before, after: Date.now() };
      const nodes = await this.#look("nodes");
      if (control === undefined) this.sides.browser.value = NOTHING;
      else await this.#lookFromHere({ ...control, entrances: withTokens(control, nodes) }, clock);
    } finally {
      this.isRunning.value = false;
    }
  }

  async #look(side: "control" | "nodes"): Promise<SelfCheck | undefined> {
    try {
      const found = await this.#api.selfCheck(side);
      this.sides[side].value = { isLooking: false, lines: found.lines };
      return found;
    } catch (thrown) {
      const error = apiError(thrown);
      this.sides[side].value = { isLooking: false, lines: [], error };
      this.#visitor.notice(error);
      return undefined;
    }
  }

  async #lookFromHere(
    control: SelfCheck,
    clock: { readonly told: string; readonly before: number; readonly after: number },
  ): Promise<void> {
    const { browser } = this.sides;
    const add = (lines: readonly Seen[], isLooking = true) => {
      browser.value = { isLooking, lines: [...browser.peek().lines, ...lines.map(toLine)] };
    };
    add([
      controlClock(location.origin, clock),
      await localNetworkLine(control, {
        isSecure: isSecureContext,
        query: async (name) => (await navigator.permissions.query({ name: name as PermissionName })).state,
      }),
    ]);
    const page = { check: "client.page", subject: location.origin } as const;
    if (location.origin !== control.origin)
      add([{ ...page, finding: "skipped_other_origin", facts: { "control's own": control.origin } }]);
    else if (!(await askWorker(control.entrances, add))) add([{ ...page, finding: "script_missing" }]);
    add([], false);
  }
}

const NOTHING: Found = { isLooking: false, lines: [] };
const LOOKING: Found = { isLooking: true, lines: [] };

/** Resolves to whether the worker has looked at all of them; it may not have been started. */
async function askWorker(
  entrances: SelfCheck["entrances"],
  add: (lines: readonly Seen[]) => void,
): Promise<boolean> {
  const worker = new Worker(new URL("./browser-worker.ts", import.meta.url), { type: "module" });
  const { promise, resolve } = Promise.withResolvers<boolean>();
  worker.addEventListener("message", ({ data }: MessageEvent<readonly Seen[] | "done">) => {
    if (data === "done") resolve(true);
    else add(data);
  });
  worker.addEventListener("error", () => resolve(false));
  worker.postMessage(entrances);
  const isDone = await promise;
  worker.terminate();
  return isDone;
}
