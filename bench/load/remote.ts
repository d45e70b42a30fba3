/** Commands to a process of the benchmark's own, over the channel that `fork` gives it. */
import type { ChildProcess } from "node:child_process";

// biome-ignore lint/suspicious/noExplicitAny: each program names its own commands; only their shape is common.
type Commands<Names> = { readonly [Name in keyof Names]: (argument: any) => Promise<unknown> };

interface Call {
  readonly id: number;
  readonly name: string;
  readonly argument: unknown;
}
interface Answer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}

/** In the child: answers calls until the parent lets go, then ends the process. */
export function serve<Names extends Commands<Names>>(commands: Names): void {
  process.on("message", async ({ id, name, argument }: Call) => {
    const command = commands[name as keyof Names];
    try {
      answer({ id, result: await command(argument) });
    } catch (error) {
      answer({ id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    }
  });
  process.on("disconnect", () => process.exit(0));
}

function answer(message: Answer): void {
  process.send?.(message);
}

/** In the parent: the child's commands as functions. A child that ends fails every call that is open. */
export function remote<Names extends Commands<Names>>(child: ChildProcess): Names {
  const open = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>();
  let calls = 0;
  child.on("message", ({ id, result, error }: Answer) => {
    const call = open.get(id);
    open.delete(id);
    if (error === undefined) call?.resolve(result);
    else call?.reject(new Error(error));
  });
  child.on("exit", (code, signal) => {
    for (const { reject } of open.values()) reject(new Error(`a load generator ended (${signal ?? code})`));
    open.clear();
  });
  const call = (name: string) => (argument: unknown) =>
    new Promise((resolve, reject) => {
      const id = calls++;
      open.set(id, { resolve, reject });
      child.send({ id, name, argument } satisfies Call);
    });
  return new Proxy({} as Names, { get: (_, name) => call(String(name)) });
}
