import { ConfigError } from "#base/config.ts";
import { keepCompiled } from "#base/process/compile-cache.ts";
import { resolveQuickly } from "#base/process/quick-resolution.ts";
import { relaunch } from "#base/process/relaunch.ts";
import type { Role } from "#base/process/role.ts";

/**
 * The roles of the one artefact, each loaded only when it is asked for: a node never loads the control plane.
 * Everything else on the command line is the CLI's.
 */
const ROLES: Readonly<Record<string, () => Promise<Role>>> = {
  control: async () => (await import("#control/main.ts")).main,
  proxy: async () => (await import("#proxy/main.ts")).main,
  demo: async () => (await import("#demo/main.ts")).main,
  start: async () => (await import("#cli/start/main.ts")).main,
};

/** How long a second signal is the first one again: a process group gets each one twice. */
const SAME_SIGNAL_MS = 1_000;

const said = process.argv.slice(2);
/** What many type first: `help`, and `help machine add`. */
const words = said[0] === "help" ? [...said.slice(1), "--help"] : said;
const [name = "--help", ...args] = words;
const load = Object.hasOwn(ROLES, name) ? ROLES[name] : undefined;
keepCompiled();
relaunch({ role: load === undefined ? undefined : name });
resolveQuickly();
process.exitCode = await run();
// A role that resolved has closed what it opened; what a library keeps alive must not keep the process.
process.exit();

async function run(): Promise<number> {
  try {
    if (load !== undefined) return await (await load())({ args, ...stopSignals() });
    const { main } = await import("#cli/main.ts");
    return await main({ args: words, ...stopSignals() });
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    for (const problem of error.problems) process.stderr.write(`porthole ${name}: ${problem}\n`);
    if (error.seeHelp) process.stderr.write(`porthole ${name} --help lists every option.\n`);
    return 2;
  }
}

/** The first signal stops; one that comes later says that it was meant. */
function stopSignals(): { readonly stop: AbortSignal; readonly stopNow: AbortSignal } {
  const stop = new AbortController();
  const stopNow = new AbortController();
  let since = 0;
  const signalled = () => {
    if (!stop.signal.aborted) since = performance.now();
    else if (performance.now() - since >= SAME_SIGNAL_MS) stopNow.abort();
    stop.abort();
  };
  process.on("SIGTERM", signalled);
  process.on("SIGINT", signalled);
  if (process.channel !== undefined)
    process.on("disconnect", () => {
      stop.abort();
      stopNow.abort();
    });
  return { stop: stop.signal, stopNow: stopNow.signal };
}
