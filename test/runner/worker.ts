import { relative, resolve } from "node:path";
import { run } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { inspect } from "node:util";
import { resolveQuickly } from "#base/process/quick-resolution.ts";
import type { WorkerMessage } from "./events.ts";

/**
 * Runs the test files of its command line in this process, and says what became of each test over the IPC
 * channel. Then it exits, whatever the tests left open.
 */
const [timeout, ...paths] = process.argv.slice(2);
const root = process.cwd();

type Reported = {
  readonly name: string;
  readonly nesting: number;
  readonly file?: string | undefined;
  readonly skip?: string | boolean | undefined;
  readonly todo?: string | boolean | undefined;
  readonly details: {
    readonly duration_ms: number;
    readonly type?: string | undefined;
    readonly error?: Error & { readonly failureType?: string };
  };
};

/** The names of the suites and tests that are being reported, by nesting. */
const path: string[] = [];

let hasFailed = false;

/** The files that have failed as a whole. */
const failed = new Set<string>();

// Without the runner there is nobody to run tests for; what they started ends with this process.
process.on("disconnect", () => process.exit(1));

resolveQuickly();
// Listeners, not iteration: a test that loops for ever or ends the process must have been named before.
const last = fileURLToPath(new URL("last.ts", import.meta.url));
const files = [...paths.map((each) => resolve(each)), last];
const events = run({ files, isolation: "none", timeout: Number(timeout) });
events.on("test:dequeue", ({ name, file = "" }) =>
  send({ type: "started", file: relative(root, file), name }),
);
events.on("test:start", ({ name, nesting }) => path.splice(nesting, Number.POSITIVE_INFINITY, name));
events.on("test:pass", (data) => report(true, data));
events.on("test:fail", (data) => report(false, data));
events.on("test:diagnostic", diagnose);
events.on("test:summary", async () => {
  for (const each of paths) await confirmLoaded(each);
  send({ type: "done" }, () => process.exit());
});
events.resume();

function report(passed: boolean, data: Reported): void {
  const { error, type, duration_ms: durationMs } = data.details;
  // A file that was loaded and holds no test is reported as a test that passed.
  if (passed && data.name === data.file) return;
  const skipped = data.skip ?? data.todo;
  // A suite counts only for what its tests do not say: that it was skipped as a whole, or could not be set up.
  const told = passed ? skipped === undefined : error?.failureType === "subtestsFailed";
  if (type === "suite" && told) return;
  const outcome = skipped === undefined ? (passed ? "passed" : "failed") : "skipped";
  const file = relative(root, data.file ?? "");
  // A hook that failed fails what is behind it as well, of which nobody wrote a word.
  if (data.file === last && hasFailed) return;
  hasFailed ||= outcome === "failed";
  if (outcome === "failed" && data.name === data.file) failed.add(file);
  if (error?.failureType === "hookFailed" && data.name === data.file) concludeWithoutLast();
  const name = [...path.slice(0, data.nesting), data.name].join(" › ");
  const text = outcome === "failed" ? explain(error) : typeof skipped === "string" ? skipped : "";
  send({ type: "ended", file, name, outcome, durationMs, text });
}

/** Behind a hook of a whole file that failed no other is run, so that what last.ts does has to be done here. */
function concludeWithoutLast(): void {
  setImmediate(() => process.emit("beforeExit", 0));
}

/**
 * A file that throws while it is loaded, behind its first test, has lost the tests that were to follow, and node:test says nothing of it.
 * A module that threw throws the same again.
 */
async function confirmLoaded(path: string): Promise<void> {
  try {
    await import(pathToFileURL(resolve(path)).href);
  } catch (error) {
    if (failed.has(path)) return;
    const text = inspect(error, { depth: 6 });
    send({ type: "ended", file: path, name: "loading the file", outcome: "failed", durationMs: 0, text });
  }
}

/**
 * What breaks behind the end of a test is no test's failure to node:test, but it would have ended the process that the tests are
 * about.
 */
function diagnose({
  message,
  file = "",
}: {
  readonly message: string;
  readonly file?: string | undefined;
}): void {
  const [, name] = /^Error: Test "(.*)" at .* generated asynchronous activity/.exec(message) ?? [];
  if (name === undefined) return;
  const where = / at (\S+?):\d+:\d+ generated/.exec(message)?.[1] ?? file;
  send({
    ...{ type: "ended", file: relative(root, where), outcome: "failed", durationMs: 0 },
    ...{ name: `${name} › after its end`, text: message },
  });
}

/** node:test wraps what a test threw; the wrapper says nothing that a person wants to read. */
function explain(error: (Error & { readonly failureType?: string }) | undefined): string {
  const thrown = error?.failureType === "testCodeFailure" ? (error.cause ?? error) : error;
  return inspect(thrown, { depth: 6, maxStringLength: 20_000, maxArrayLength: 200 });
}

function send(message: WorkerMessage, sent: () => void = () => {}): void {
  process.send?.(message, undefined, undefined, sent);
}
