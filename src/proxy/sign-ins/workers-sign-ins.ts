import { type Static, Type } from "typebox";
import { Check } from "typebox/schema";
import { GatewayError, toGatewayError } from "#wire/gateway-error.ts";
import { OwnSignIns, type SignIns, type Waiting } from "./sign-ins.ts";

const limits = {
  /** By one worker, which gives up getting to a console long before (deadlines.ts): one that stands still keeps nobody out for good. */
  heldMs: 60_000,
} as const;

/** From a worker to its parent. `id` is the worker's, for one sign-in. */
const Asked = Type.Object({
  signIn: Type.Enum(["enter", "leave"]),
  id: Type.Integer(),
  server: Type.Optional(Type.String()),
});

/** And back. */
const Told = Type.Object({ signIn: Type.Enum(["waits", "entered", "full"]), id: Type.Integer() });
type Told = Static<typeof Told>;

/** One end of what connects a process with the one that started it. */
export interface Channel {
  send?(message: unknown, sent: (error: Error | null) => void): unknown;
  on(event: "message", listener: (message: unknown) => void): unknown;
  on(event: "disconnect", listener: () => void): unknown;
}

/**
 * For the process that started several nodes beside each other: hypervisors see one address, so that the turns are had by all of
 * them together. One that ends gives back what it had.
 */
export class SharedSignIns {
  readonly #own = new OwnSignIns();

  /** Answers what one worker asks, for as long as it lives. */
  serve(worker: Channel): void {
    const present = new Map<number, () => void>();
    worker.on("message", (message) => {
      if (!Check(Asked, message)) return;
      const { signIn, id, server } = message;
      if (signIn === "leave") present.get(id)?.();
      else if (server !== undefined) void this.#enter(worker, { id, server, present });
    });
    worker.on("disconnect", () => {
      for (const leave of present.values()) leave();
    });
  }

  async #enter(
    worker: Channel,
    {
      id,
      server,
      present,
    }: { readonly id: number; readonly server: string; readonly present: Map<number, () => void> },
  ): Promise<void> {
    const left = new AbortController();
    const gone = Promise.withResolvers<void>();
    const tell = (signIn: Told["signIn"]) => say(worker, { signIn, id });
    present.set(id, () => {
      left.abort();
      gone.resolve();
    });
    try {
      const entered = async () => {
        tell("entered");
        const forgotten = setTimeout(gone.resolve, limits.heldMs).unref();
        await gone.promise;
        clearTimeout(forgotten);
      };
      await this.#own.take(server, entered, { signal: left.signal, onWait: () => tell("waits") });
    } catch (error) {
      if (!left.signal.aborted && toGatewayError(error).code === "upstream_busy") tell("full");
    } finally {
      present.delete(id);
    }
  }
}

/** For a node that was started beside others: asks who started it. */
export class WorkersSignIns implements SignIns {
  readonly #parent: Channel;
  readonly #present = new Map<number, (told: Told["signIn"]) => void>();
  #last = 0;

  constructor(parent: Channel) {
    this.#parent = parent;
    parent.on("message", (message) => {
      if (Check(Told, message)) this.#present.get(message.id)?.(message.signIn);
    });
  }

  async take<Result>(server: string, work: () => Promise<Result>, waiting: Waiting): Promise<Result> {
    waiting.signal.throwIfAborted();
    this.#last += 1;
    const id = this.#last;
    const { promise: entered, resolve, reject } = Promise.withResolvers<void>();
    const abort = () => reject(waiting.signal.reason);
    this.#present.set(id, (told) => {
      if (told === "waits") waiting.onWait();
      else if (told === "entered") resolve();
      else reject(new GatewayError("upstream_busy"));
    });
    waiting.signal.addEventListener("abort", abort, { once: true });
    say(this.#parent, { signIn: "enter", id, server });
    try {
      await entered;
      return await work();
    } finally {
      waiting.signal.removeEventListener("abort", abort);
      this.#present.delete(id);
      say(this.#parent, { signIn: "leave", id });
    }
  }
}

/** To whoever may have gone: then the channel has closed, and each end does what that means. */
function say(channel: Channel, message: Static<typeof Asked> | Told): void {
  channel.send?.(message, () => {});
}
