/** Everything that Porthole is measured against. */

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createAuthority, issueServerCertificate } from "#tls/authority.ts";
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
  const relay = program(BARE_RELAY, [upstream.host, String(upstream.port)]);
  return {
    ...single("relay", relay),
    entrance: { kind: "target", target: webSocket(await announced(relay)) },
  };
}

/** The same behind Node's own TLS. */
export async function startBareTlsRelay(upstream: Address): Promise<Contestant> {
  await using parts = new AsyncDisposableStack();
  const pem = await writePem(parts);
  const relay = parts.use(program(BARE_RELAY, [upstream.host, String(upstream.port), pem]));
  const target = byTls(webSocket(await announced(relay)));
  return { ...owning(parts), processes: { relay: relay.pid }, entrance: { kind: "target", target } };
}

/** What somebody would put before websockify who wants TLS to cost little: haproxy, which knows nothing of WebSocket. */
export async function startTlsBeforeWebsockify(upstream: Address): Promise<Contestant> {
  await using parts = new AsyncDisposableStack();
  const pem = await writePem(parts);
  const websockify = parts.use(await startWebsockify(upstream));
  const { entrance } = websockify;
  if (entrance.kind !== "target") throw new Error("websockify is asked nothing before it");
  const { haproxy, at } = await haproxyBefore(parts, { behind: entrance.target, pem });
  return {
    ...owning(parts),
    processes: { ...websockify.processes, haproxy: haproxy.pid },
    entrance: { kind: "target", target: byTls(webSocket(at)) },
    processPerViewer: true,
  };
}

const BARE_RELAY = new URL("./bare-relay.ts", import.meta.url);

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
  await using parts = new AsyncDisposableStack();
  const { haproxy, at } = await haproxyBefore(parts, { behind: upstream });
  return {
    ...owning(parts),
    processes: { haproxy: haproxy.pid },
    entrance: { kind: "target", target: { kind: "tcp", ...at } },
  };
}

interface Haproxy {
  readonly haproxy: Child;
  readonly at: Address;
}

async function haproxyBefore(
  parts: AsyncDisposableStack,
  { behind, pem }: { readonly behind: Address; readonly pem?: string },
): Promise<Haproxy> {
  const at = await freeAddress();
  const file = join(await temporaryFolder(parts), "haproxy.cfg");
  await writeFile(file, haproxyConfig(at, behind, pem));
  const args = ["-db", "-f", file];
  const haproxy = parts.use(start({ command: "haproxy", args, part: "contestant", channel: false }));
  await answers(at, haproxy);
  return { haproxy, at };
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

function haproxyConfig(at: Address, upstream: Address, pem: string | undefined): string {
  return [
    "global",
    "  maxconn 8000",
    "defaults",
    "  mode tcp",
    "  timeout connect 5s",
    "  timeout client 1h",
    "  timeout server 1h",
    "listen consoles",
    `  bind ${at.host}:${at.port}${pem === undefined ? "" : ` ssl crt ${pem}`}`,
    `  server upstream ${upstream.host}:${upstream.port}`,
    "",
  ].join("\n");
}

/** A file with a certificate and its key, of the kind that nodes have. */
async function writePem(parts: AsyncDisposableStack): Promise<string> {
  const now = Date.now();
  const authority = await createAuthority({ name: "bench", now });
  const { certificate, privateKey } = await issueServerCertificate(authority, { hosts: ["localhost"], now });
  const file = join(await temporaryFolder(parts), "console.pem");
  await writeFile(file, certificate + privateKey, { mode: 0o600 });
  return file;
}

async function temporaryFolder(parts: AsyncDisposableStack): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "bench-"));
  parts.defer(() => rm(folder, { recursive: true }));
  return folder;
}

/** Takes over what the parts are. */
function owning(parts: AsyncDisposableStack): AsyncDisposable {
  const owned = parts.move();
  return { [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

function byTls(target: Target): Target {
  return target.kind === "websocket" ? { ...target, tls: true } : target;
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
