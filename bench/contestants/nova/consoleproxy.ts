/** Debian's nova-consoleproxy: nova-novncproxy, out of the unpacked package, with the database of a cell of its own. */
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Child, freeAddress, start } from "../../measure/child.ts";
import type { Address, Contestant } from "../contestant.ts";
import { answers, webSocket } from "../peers.ts";

/** Made by scripts/setup/nova-consoleproxy.mjs. */
const UNPACKED = fileURLToPath(new URL("../../../.cache/nova-consoleproxy", import.meta.url));
/** Debian's own, which its packages are for: what `python3` is may be another. */
const PYTHON = "/usr/bin/python3";

export function isNovaUnpacked(): boolean {
  return existsSync(PYTHON) && existsSync(join(UNPACKED, "stamp"));
}

export async function startNovaConsoleproxy(upstream: Address): Promise<Contestant> {
  await using parts = new AsyncDisposableStack();
  const directory = await mkdtemp(join(tmpdir(), "bench-nova-"));
  parts.defer(() => rm(directory, { recursive: true }));
  const at = await freeAddress();
  const file = join(directory, "nova.conf");
  await writeFile(file, novaConfig(at, directory));

  const token = await issueToken(file, upstream);
  const proxy = parts.use(python("novncproxy.py", [`--config-file=${file}`]));
  await answers(at, proxy);
  const owned = parts.move();
  return {
    processes: { novncproxy: proxy.pid },
    entrance: { kind: "target", target: webSocket(at, token) },
    processPerViewer: true,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function issueToken(configFile: string, { host, port }: Address): Promise<string> {
  await using cell = python("cell.py", [`--config-file=${configFile}`, host, String(port)]);
  const { token } = JSON.parse(await cell.firstLine()) as { readonly token: string };
  return token;
}

function python(script: string, args: readonly string[]): Child {
  return start({
    command: PYTHON,
    args: [fileURLToPath(new URL(script, import.meta.url)), ...args],
    part: "contestant",
    channel: false,
    env: { PYTHONPATH: join(UNPACKED, "usr/lib/python3/dist-packages") },
  });
}

/** Beside these everything is as it comes. Without pages: the benchmark's viewers load none. */
function novaConfig({ host, port }: Address, directory: string): string {
  return [
    "[DEFAULT]",
    "web =",
    "[database]",
    `connection = sqlite:///${join(directory, "cell.sqlite")}`,
    "[vnc]",
    `novncproxy_host = ${host}`,
    `novncproxy_port = ${port}`,
    "",
  ].join("\n");
}
