/** Everything that Porthole is measured against. */

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Target } from "../load/console.ts";
import { type Child, freeAddress, start, until } from "../measure/child.ts";
import type { Address, Contestant } from "./contestant.ts";

/** Nothing between viewer and upstream: what the generators and the kernel cost by themselves. */
export async function startDirect(upstream: Address): Promise<Contestant> {
  return {
    processes: {},
    entrance: { kind: "target", target: { kind: "tcp", ...upstream } },
    async [Symbol.asyncDispose]() {},
  };
}

export async function startBareRelay(upstream: Address): Promise<Contestant> {
  const relay = program(new URL("./bare-relay.ts", import.meta.url), [upstream.host, String(upstream.port)]);
  return {
    ...single("relay", relay),
    entrance: { kind: "target", target: webSocket(await announced(relay)) },
  };
}

/** Debian's: Python, a process for every viewer. */
export async function startWebsockify(upstream: Address): Promise<Contestant> {
  const at = await freeAddress();
  const args = [`${at.host}:${at.port}`, `${upstream.host}:${upstream.port}`];
  const websockify = start({ command: "websockify", args, part: "contestant", channel: false });
  await answers(at, websockify);
  return {
    ...single("websockify", websockify),
    entrance: { kind: "target", target: webSocket(at) },
    processPerViewer: true,
  };
}

/** In TCP mode, as it comes: it copies bytes and knows nothing of WebSocket. */
export async function startHaproxy(upstream: Address): Promise<Contestant> {
  const at = await freeAddress();
  const directory = await mkdtemp(join(tmpdir(), "bench-haproxy-"));
  const file = join(directory, "haproxy.cfg");
  await writeFile(file, haproxyConfig(at, upstream));
  const haproxy = start({
    command: "haproxy",
    args: ["-db", "-f", file],
    part: "contestant",
    channel: false,
  });
  await answers(at, haproxy);
  return {
    processes: { haproxy: haproxy.pid },
    entrance: { kind: "target", target: { kind: "tcp", ...at } },
    async [Symbol.asyncDispose]() {
      await haproxy[Symbol.asyncDispose]();
      await rm(directory, { recursive: true });
    },
  };
}

export async function startFeatureless(upstream: Address): Promise<Contestant> {
  const api = program(new URL("./featureless-api.ts", import.meta.url), [
    upstream.host,
    String(upstream.port),
  ]);
  const { host, port } = await announced(api);
  const relay = program(new URL("./featureless-relay.ts", import.meta.url), [String(port)]);
  await announced(relay);
  return {
    processes: { api: api.pid, relay: relay.pid },
    entrance: { kind: "featureless", origin: `http://${host}:${port}` },
    async [Symbol.asyncDispose]() {
      await Promise.all([api[Symbol.asyncDispose](), relay[Symbol.asyncDispose]()]);
    },
  };
}

function haproxyConfig(at: Address, upstream: Address): string {
  return [
    "global",
    "  maxconn 8000",
    "defaults",
    "  mode tcp",
    "  timeout connect 5s",
    "  timeout client 1h",
    "  timeout server 1h",
    "listen consoles",
    `  bind ${at.host}:${at.port}`,
    `  server upstream ${upstream.host}:${upstream.port}`,
    "",
  ].join("\n");
}

function program(file: URL, args: readonly string[]): Child {
  const argv = [fileURLToPath(file), ...args];
  return start({ command: process.execPath, args: argv, part: "contestant", channel: true });
}

function single(name: string, child: Child): Omit<Contestant, "entrance"> {
  return {
    processes: { [name]: child.pid },
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  };
}

async function announced(child: Child): Promise<Address> {
  const { address, host, port } = JSON.parse(await child.firstLine()) as {
    address?: string;
    host?: string;
    port: number;
  };
  return { host: host ?? address ?? "", port };
}

export function webSocket(at: Address, token?: string): Target {
  const path = token === undefined ? "/websockify" : `/websockify?token=${token}`;
  return { kind: "websocket", ...at, path, protocols: ["binary"] };
}

/** Resolves when something accepts connections there; fails at once when the program has ended instead. */
export async function answers({ host, port }: Address, child: Child): Promise<void> {
  const ended = new Promise<never>((_, reject) => child.firstLine().catch(reject));
  const accepts = until(
    () =>
      new Promise<boolean>((resolve) => {
        const socket = connect({ host, port });
        socket.on("connect", () => resolve(true)).on("error", () => resolve(false));
        socket.on("connect", () => socket.destroy());
      }),
    `${host}:${port} to accept connections`,
  );
  await Promise.race([accepts, ended]);
}
