/** Debian's Nova, out of its unpacked package: its API as far as that answers for console tokens, and its proxy for VNC. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { LOOPBACK, onFreePort } from "../../harness/free-port.ts";
import { firstLine, type Process, startProcess } from "../../harness/process.ts";
import { lacking } from "../../harness/requirements.ts";
import { scratch } from "../../harness/scratch.ts";
import { untilAccepts } from "../front-proxies.ts";

export const lackingNova = lacking("nova-consoleproxy");

/** Made by scripts/setup/nova-consoleproxy.mjs. */
const UNPACKED = fileURLToPath(new URL("../../../.cache/nova-consoleproxy", import.meta.url));
/** Debian's own, which its packages are for: what `python3` is may be another. */
const PYTHON = "/usr/bin/python3";
/** What links of Nova's lead to, by which its proxy judges whose pages may come. */
const BASE = "http://consoles.example/vnc_lite.html";

/** Who asks, under `auth_strategy = noauth2`. */
export const NOVA_ADMIN = "admin:admin";
export const NOVA_MEMBER = "member:project";

/** Nova's proxies, each with its section of nova.conf and what its options there begin with. */
const PROXIES = {
  vnc: {
    script: "../../../bench/contestants/nova/novncproxy.py",
    section: "vnc",
    prefix: "novncproxy",
  },
  serial: { script: "serialproxy.py", section: "serial_console", prefix: "serialproxy" },
} as const;

interface Authorized {
  readonly token: string;
  /** The UUID of the instance, which each token has one of. */
  readonly instance: string;
}

export interface Nova extends AsyncDisposable {
  /** Of its compute API, with its version. */
  readonly url: string;
  /** As nova-compute does when somebody asks for a console that is there. */
  authorize(console: {
    readonly host: string;
    readonly port: number;
    readonly type?: string;
    readonly path?: string;
    readonly base?: string;
  }): Promise<Authorized>;
  /** As nova-compute does when an instance is deleted. */
  revoke(instance: string): Promise<void>;
  /** How often it was asked about tokens. */
  asked(): Promise<number>;
  /** Starts nova-novncproxy, or nova-serialproxy, over the same tokens. */
  startProxy(
    console?: keyof typeof PROXIES,
  ): Promise<{ readonly host: string; readonly port: number } & AsyncDisposable>;
}

export async function startNova(): Promise<Nova> {
  await using opened = new AsyncDisposableStack();
  const folder = opened.use(scratch());
  const config = (name: string, extra: readonly string[] = []) => {
    const file = join(folder.path, `${name}.conf`);
    writeFileSync(file, novaConfig(folder.path, extra));
    return `--config-file=${file}`;
  };
  const api = opened.use(await python(script("nova-api.py"), [config("api")]));
  const origin = `http://${LOOPBACK}:${await firstLine(api)}`;
  const owned = opened.move();
  return {
    url: `${origin}/v2.1`,
    authorize: async ({ type = "novnc", base = BASE, ...console }) =>
      (await post(`${origin}/test/authorize`, { type, base, ...console })) as Authorized,
    revoke: async (instance) => void (await post(`${origin}/test/revoke`, { instance })),
    asked: async () => ((await post(`${origin}/test/asked`, {})) as { readonly asked: number }).asked,
    startProxy: async (console = "vnc") =>
      await onFreePort(async (port) => {
        const { section, prefix, ...proxied } = PROXIES[console];
        const listen = [`[${section}]`, `${prefix}_host = ${LOOPBACK}`, `${prefix}_port = ${port}`];
        const proxy = await python(script(proxied.script), [config(prefix, listen)]);
        await untilAccepts(proxy, port);
        return {
          host: LOOPBACK,
          port,
          [Symbol.asyncDispose]: async () => void (await proxy.stop("SIGKILL")),
        };
      }),
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}

function script(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

async function python(file: string, args: readonly string[]): Promise<Process> {
  return await startProcess(PYTHON, [file, ...args], {
    env: { PYTHONPATH: join(UNPACKED, "usr/lib/python3/dist-packages") },
  });
}

async function post(url: string, body: object): Promise<unknown> {
  const response = await fetch(url, { method: "POST", body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`${url} answers with ${response.status}: ${await response.text()}`);
  return await response.json();
}

/** Beside these everything is as it comes. Without pages: nobody here looks at any. */
function novaConfig(folder: string, extra: readonly string[]): string {
  return [
    "[DEFAULT]",
    "web =",
    "transport_url = fake:/",
    "[api]",
    "auth_strategy = noauth2",
    "[database]",
    `connection = sqlite:///${join(folder, "cell.sqlite")}`,
    "[api_database]",
    `connection = sqlite:///${join(folder, "api.sqlite")}`,
    ...extra,
    "",
  ].join("\n");
}
