import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const EVENTUALLY = fileURLToPath(new URL("../harness/eventually.ts", import.meta.url));
const SOURCES = fileURLToPath(new URL("../../src", import.meta.url));

/**
 * Writes a script for the `command` launcher that runs real nodes, as an operator would write one for another platform:
 * it starts processes on this machine. Resolves to its name.
 */
export function writeLaunchScript(commands: string, nodes: string): string {
  mkdirSync(commands, { recursive: true, mode: 0o755 });
  const name = "launch";
  const file = join(commands, name);
  writeFileSync(file, scriptOf(nodes), { mode: 0o755 });
  chmodSync(file, 0o755);
  return name;
}

/** Answers to `launch`, `list`, `stop`, `start` and `destroy`, each with JSON on standard input. */
function scriptOf(nodes: string): string {
  const launchers = join(SOURCES, "control/fleet/launchers");
  return `#!${process.execPath}
import { text } from "node:stream/consumers";
const { ProcessLauncher } = await import(${JSON.stringify(join(launchers, "process.ts"))});
const { Secret } = await import(${JSON.stringify(join(SOURCES, "base/secret.ts"))});
const { eventually } = await import(${JSON.stringify(EVENTUALLY)});

const [verb] = process.argv.slice(2);
const { order, pool, joinToken, controls, listen } = JSON.parse(await text(process.stdin));
const log = { error: ({ error }) => console.error(error) };
const env = { PATH: process.env.PATH };
const launcher = new ProcessLauncher({ directory: ${JSON.stringify(nodes)}, logLevel: "info", env, log });
const { signal } = new AbortController();

const verbs = {
  async launch() {
    const join = { controls, token: new Secret(joinToken), listen };
    await launcher.launch({ id: order, pool, join }, signal);
  },
  async list() {
    const instances = await launcher.list(signal);
    console.log(JSON.stringify({ instances: instances.map(({ orderId, ...rest }) => ({ order: orderId, ...rest })) }));
  },
  async stop() {
    await launcher.stop(order, signal);
  },
  async start() {
    await launcher.start(order, signal);
  },
  async destroy() {
    await launcher.destroy(order, signal);
    await eventually(async () => {
      const isThere = (await launcher.list(signal)).some(({ orderId }) => orderId === order);
      if (isThere) throw new Error("the node is still there");
    });
  },
};
try {
  await verbs[verb]();
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
`;
}
