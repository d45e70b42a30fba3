import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { FRONT_PROXIES } from "#cli/front-proxies.ts";
import { createAuthority, issueServerCertificate } from "#tls/authority.ts";
import { eventually } from "../harness/eventually.ts";
import { LOOPBACK, onFreePort } from "../harness/free-port.ts";
import { type Process, startProcess } from "../harness/process.ts";
import { scratch } from "../harness/scratch.ts";

/** Those whose configuration the documentation gives, and that Debian has. */
export type FrontProxyName = "nginx" | "haproxy" | "caddy";

/** The example of docs/operations/front-proxy.md, as it stands there. */
export function recipe(name: FrontProxyName | "nginx-two-ports" | "haproxy-passthrough"): string {
  const text = readFileSync(new URL("../../docs/operations/front-proxy.md", import.meta.url), "utf8");
  const [, example] = new RegExp(`^\`\`\`${name}\\n(.*?)^\`\`\`$`, "ms").exec(text) ?? [];
  assert.ok(example !== undefined, `there is an example for ${name}`);
  return example;
}

function printed(name: FrontProxyName, path: string): string {
  return FRONT_PROXIES[name]({
    name: "console.example.com",
    nodes: ["10.0.0.11:8080", "10.0.0.12:8080"],
    path,
  });
}

export interface FrontProxy extends AsyncDisposable {
  /** Where its pages are, by https. */
  readonly origin: string;
  /** PEM of the CA that its certificate is from. */
  readonly ca: string;
  /** Starts it again where it was, with the documentation's configuration changed in another way. */
  change(change: Change): Promise<void>;
}

/** What a test does to the documentation's configuration. */
export type Change = (configuration: string) => string;

/** What stands in the examples in place of what a test has. */
interface Places {
  readonly port: number;
  readonly certificate: string;
  readonly key: string;
  /** Both in one file. */
  readonly both: string;
}

interface Kind {
  readonly file: string;
  command(file: string, folder: string): readonly [string, readonly string[]];
  configure(example: string, places: Places, folder: string): string;
}

const KINDS: Readonly<Record<FrontProxyName, Kind>> = {
  nginx: {
    file: "nginx.conf",
    command: (file, folder) => ["nginx", ["-p", folder, "-c", file, "-e", "stderr"]],
    configure: (example, { port, certificate, key }, folder) =>
      surroundedForNginx(
        folder,
        replaced(example, [
          ["listen 443 ssl", `listen ${LOOPBACK}:${port} ssl`],
          ["console.example.com", LOOPBACK],
          ["/etc/nginx/console.pem", certificate],
          ["/etc/nginx/console.key", key],
        ]),
      ),
  },
  haproxy: {
    file: "haproxy.cfg",
    command: (file) => ["haproxy", ["-db", "-f", file]],
    configure: (example, { port, both }) =>
      replaced(example, [
        ["bind :443", `bind ${LOOPBACK}:${port}`],
        ["/etc/haproxy/console.pem", both],
      ]),
  },
  caddy: {
    file: "Caddyfile",
    command: (file) => ["caddy", ["run", "--config", file, "--adapter", "caddyfile"]],
    configure: (example, { port, certificate, key }) =>
      `{\n  admin off\n  auto_https disable_redirects\n}\n${replaced(example, [
        ["console.example.com {", `https://${LOOPBACK}:${port} {\n  bind ${LOOPBACK}`],
        ["/etc/caddy/console.pem", certificate],
        ["/etc/caddy/console.key", key],
      ])}`,
  },
};

export interface FrontProxyOptions {
  readonly change?: Change | undefined;
  /** In place of the documentation's example the one that is printed for this path. */
  readonly path?: string | undefined;
}

/** Starts both, owned by `nodes`: they go if the proxy cannot have that port after all. */
export type StartNodes = (
  origin: string,
  port: number,
  nodes: AsyncDisposableStack,
) => Promise<readonly [string, string]>;

/**
 * Debian's proxy with the documentation's configuration, but for addresses and paths, before two nodes that are started when
 * its port is known.
 */
export async function startFrontProxy(
  name: FrontProxyName,
  nodes: StartNodes,
  { change = (configuration) => configuration, path }: FrontProxyOptions = {},
): Promise<FrontProxy> {
  const kind = KINDS[name];
  await using opened = new AsyncDisposableStack();
  const { path: folder } = opened.use(scratch());
  const file = join(folder, kind.file);
  const { ca, ...paths } = await certificateIn(folder);
  const start = async (port: number, configuration: string) => {
    writeFileSync(file, configuration);
    const [command, args] = kind.command(file, folder);
    const started = await startProcess(command, args, { env: { ...process.env, HOME: folder } });
    await untilAccepts(started, port);
    return started;
  };
  const { port, example, ...first } = await onFreePort(async (port) => {
    await using started = new AsyncDisposableStack();
    const [one, other] = await nodes(`https://${LOOPBACK}:${port}`, port, started);
    const example = kind.configure(
      replaced(path === undefined ? recipe(name) : printed(name, path), [
        ["10.0.0.11:8080", one],
        ["10.0.0.12:8080", other],
      ]),
      { port, ...paths },
      folder,
    );
    const child = await start(port, change(example));
    opened.use(started.move());
    return { port, example, child };
  });
  let { child } = first;
  opened.defer(async () => void (await child.stop("SIGKILL")));
  const owned = opened.move();
  return {
    origin: `https://${LOOPBACK}:${port}`,
    ca,
    change: async (other) => {
      await child.stop("SIGKILL");
      child = await start(port, other(example));
    },
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}

/** Resolves when somebody answers there, and fails with what a program said that ended before. */
export async function untilAccepts(child: Process, port: number): Promise<void> {
  let exit: unknown;
  void child.exited.then((value) => {
    exit = value;
  });
  await eventually(async () => assert.ok(exit !== undefined || (await accepts(port))));
  assert.equal(exit, undefined, child.stderr.text);
}

export async function accepts(port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const socket = connect({ port, host: LOOPBACK });
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}

/** Files with a certificate for loopback, of a CA of its own. */
export async function certificateIn(folder: string) {
  const now = Date.now();
  const authority = await createAuthority({ name: "test", now });
  const { certificate, privateKey } = await issueServerCertificate(authority, { hosts: [LOOPBACK], now });
  const written = (name: string, text: string) => {
    const path = join(folder, name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
  return {
    ca: authority.certificate,
    certificate: written("console.pem", certificate),
    key: written("console.key", privateKey),
    both: written("both.pem", certificate + privateKey),
  };
}

/** A whole configuration of nginx. In one process, which keeps everything that it writes in a folder of its own. */
export function surroundedForNginx(folder: string, site: string): string {
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
    (of) => `  ${of}_temp_path ${folder}/${of};`,
  );
  return [
    `daemon off; master_process off; pid ${folder}/nginx.pid; error_log stderr warn;`,
    "events { worker_connections 1024; }",
    "http {",
    "  access_log off;",
    ...temporary,
    site,
    "}",
  ].join("\n");
}

/** Throws where the example does not have what is to be replaced. */
export function replaced(text: string, pairs: readonly (readonly [from: string, to: string])[]): string {
  return pairs.reduce((current, [from, to]) => {
    assert.ok(current.includes(from), `the example has ${from}`);
    return current.replaceAll(from, to);
  }, text);
}
