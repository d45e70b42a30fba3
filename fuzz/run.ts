import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { writeFound } from "./corpus.ts";
import { Progress } from "./progress.ts";

const limits = {
  /** For one input: thousands of times what any takes, so that a busy machine hangs nobody. */
  inputMs: 30_000,
  lookMs: 1_000,
  heapMegabytes: 512,
  /** Of what a process says before it breaks: V8's words are among the first of it. */
  saidChars: 4_096,
} as const;

/** What a process is to do. It stops at whichever comes first. */
export interface Order {
  /** Of the module, which has `TARGETS`. */
  readonly target: string;
  readonly module: string;
  readonly seed: number;
  readonly seconds: number;
  readonly inputs: number;
  /** Where `Progress` reads it. */
  readonly progress: string;
}

/** What became of it. */
export interface Report {
  readonly inputs: number;
  /** Inputs, the corpus included, that each reach something that none before did. */
  readonly pool: number;
  /** Of our own code that ran. */
  readonly blocks: number;
  readonly finding?: Finding;
}

export interface Finding {
  readonly what: string;
  readonly input: Uint8Array;
}

type Options = Pick<Order, "target" | "seed" | "seconds" | "inputs">;

/** As `fuzz`, of a target that is in `TARGETS`: what breaks it is written into the corpus, and told. */
export async function fuzzAndKeep(
  options: Options,
): Promise<Omit<Report, "finding"> & { readonly told?: string }> {
  const { finding, ...report } = await fuzz(options);
  if (finding === undefined) return report;
  const name = writeFound(options.target, finding.input);
  return { ...report, told: `${finding.what}\nkept as fuzz/corpus/${options.target}/${name}` };
}

/**
 * Has a target parse what nobody said, in a process of its own, which is ended where it hangs. A thread would not do: one that
 * takes all memory ends the process that it is in.
 */
export async function fuzz(
  options: Options,
  {
    module = new URL("targets.ts", import.meta.url).href,
    inputMs = limits.inputMs,
    heapMegabytes = limits.heapMegabytes,
  }: { readonly module?: string; readonly inputMs?: number; readonly heapMegabytes?: number } = {},
): Promise<Report> {
  const progress = new Progress();
  const child = fork(fileURLToPath(new URL("worker.ts", import.meta.url)), {
    execArgv: ["--expose-gc", `--max-old-space-size=${heapMegabytes}`],
    serialization: "advanced",
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  const gone = Promise.withResolvers<void>();
  const { promise, resolve } = Promise.withResolvers<Report>();
  const broken = (what: string) =>
    resolve({ inputs: progress.begun, pool: 0, blocks: 0, finding: { what, input: progress.input } });
  let said = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    said = (said + text).slice(0, limits.saidChars);
  });
  child.once("message", (report) => resolve(report as Report));
  child.once("error", (error) => {
    broken(`crash: ${error.message}`);
    gone.resolve();
  });
  child.once("close", (status, signal) => {
    broken(`crash: the process ended with ${signal ?? `status ${status}`}\n${said}`);
    gone.resolve();
  });
  child.send({ ...options, module, progress: progress.file } satisfies Order);
  let last = 0;
  let sinceMs = 0;
  const looking = setInterval(() => {
    // Before the first one it is loading.
    const { begun } = progress;
    sinceMs = begun === last && last > 0 ? sinceMs + limits.lookMs : 0;
    last = begun;
    if (sinceMs >= inputMs) broken(`hang: more than ${inputMs / 1000} s for one input`);
  }, limits.lookMs);
  try {
    return await promise;
  } finally {
    clearInterval(looking);
    child.kill("SIGKILL");
    await gone.promise;
    progress.remove();
  }
}
