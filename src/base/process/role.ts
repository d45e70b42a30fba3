/** What src/main.ts gives to a role or a command that it has loaded. */
interface RoleContext {
  /** The arguments behind the role's name. */
  readonly args: readonly string[];
  /** Aborts when the process is to stop: SIGTERM, SIGINT, or the death of the parent that started it. */
  readonly stop: AbortSignal;
  /** Aborts when it is to stop without waiting for anybody: by a second signal, or with its parent. */
  readonly stopNow: AbortSignal;
}

/** Runs until it is stopped or done, and resolves to the exit status. */
export type Role = (context: RoleContext) => Promise<number>;

/** Resolves when the signal aborts. */
export async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
