/**
 * Porthole as it is run: a control process and a node, started through src/main.ts with their defaults, a
 * durable database on disk, the node link over mutual TLS, and a caller who signs createConsoleEndpoint.
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Child, start, until } from "../measure/child.ts";
import type { Address, Contestant } from "./contestant.ts";
import { answerNames } from "./name-servers.ts";
import { startPostgres } from "./postgres.ts";
import { redeemOverLink } from "./redeeming.ts";

const MAIN = fileURLToPath(new URL("../../src/main.ts", import.meta.url));
const ANY_PORT = "127.0.0.1:0";
/** More than any row opens, or asks for, at a time: a node has room for a console from when its ticket is issued. */
const MAX_SESSIONS = "100000";

/** How many tickets an account may have that nobody redeemed. */
const PENDING_MAX = "console.ticket.pending.max";

/** How many sessions control gives a node. */
const SESSION_MAX = "consoleproxy.session.max";

interface NativeApi {
  readonly origin: string;
  readonly apiKey: string;
  readonly secretKey: string;
}

interface Bootstrap {
  readonly apiKey: string;
  readonly secretKey: string;
  readonly joinToken: string;
}

export async function startPorthole(upstream: Address): Promise<Contestant> {
  await using parts = new AsyncDisposableStack();
  return await startInstallation({}, { upstream, parts });
}

/** The same with a second node, through which all viewers come in to consoles that the first one carries. */
export async function startForwarded(upstream: Address): Promise<Contestant> {
  await using parts = new AsyncDisposableStack();
  return await startInstallation({}, { upstream, parts, nodes: 2 });
}

/** The same with consoleproxy.sslEnabled, and the certificate that nodes have of the installation's CA. */
export async function startPortholeByTls(upstream: Address): Promise<Contestant> {
  await using parts = new AsyncDisposableStack();
  return await startInstallation({}, { upstream, parts, isTls: true });
}

/** The same, as one of several replicas would run. */
export async function startPortholeOnPostgres(upstream: Address): Promise<Contestant> {
  await using parts = new AsyncDisposableStack();
  const { pid, url } = parts.use(await startPostgres());
  const processes = { database: pid };
  return await startInstallation({ PORTHOLE_DATABASE: url }, { upstream, parts, processes });
}

interface Surroundings {
  readonly upstream: Address;
  readonly parts: AsyncDisposableStack;
  readonly processes?: Readonly<Record<string, number>>;
  readonly nodes?: 1 | 2;
  readonly isTls?: boolean;
}

async function startInstallation(
  environment: Readonly<Record<string, string>>,
  { upstream, parts, processes = {}, nodes = 1, isTls = false }: Surroundings,
): Promise<Contestant> {
  const directory = await mkdtemp(join(tmpdir(), "bench-porthole-"));
  parts.defer(() => rm(directory, { recursive: true }));

  const bootstrapFile = join(directory, "bootstrap.json");
  const control = parts.use(
    porthole(
      "control",
      {
        "--data": join(directory, "control"),
        "--listen": ANY_PORT,
        "--link": ANY_PORT,
        "--dns-listen": ANY_PORT,
        "--upstream-allow": `${upstream.host}:${upstream.port}`,
        "--bootstrap-file": bootstrapFile,
      },
      environment,
    ),
  );
  const ready = JSON.parse(await control.firstLine()) as {
    readonly control: string;
    readonly link: string;
    readonly dns?: readonly string[];
  };
  const bootstrap = JSON.parse(await readFile(bootstrapFile, "utf8")) as Bootstrap;

  const joinTokenFile = join(directory, "join-token");
  await writeFile(joinTokenFile, bootstrap.joinToken, { mode: 0o600 });
  const startNode = async (name: string) => {
    const node = parts.use(
      porthole("proxy", {
        "--data": join(directory, name),
        "--control": ready.link,
        "--join-token-file": joinTokenFile,
        "--listen": ANY_PORT,
        "--max-sessions": MAX_SESSIONS,
      }),
    );
    const { node: origin } = JSON.parse(await node.firstLine()) as { readonly node: string };
    return { pid: node.pid, origin: new URL(origin) };
  };
  // Consoles are given to the node that was there first.
  const node = await startNode("node");
  const second = nodes === 1 ? undefined : await startNode("entrance");

  const { apiKey, secretKey } = bootstrap;
  const api: NativeApi = { origin: ready.control, apiKey, secretKey };
  await ask(api, `PUT settings/${SESSION_MAX}`, { value: MAX_SESSIONS });
  const machine = { name: "bench", protocol: "rfb", address: `${upstream.host}:${upstream.port}` };
  const { id: machineId } = (await ask(api, "POST machines", machine)) as { readonly id: string };
  if (isTls) {
    await ask(api, "PUT settings/consoleproxy.sslEnabled", { value: "true" });
    const isServed = async () => {
      const { url } = (await ask(api, `POST machines/${machineId}/consoles`, {})) as { readonly url: string };
      return url.startsWith("https:");
    };
    await until(isServed, "links to be https");
  }
  const owned = parts.move();
  return {
    processes: {
      control: control.pid,
      node: node.pid,
      ...(second === undefined ? {} : { entrance: second.pid }),
      ...processes,
    },
    entrance: {
      kind: "cloudstack",
      ...api,
      machineId,
      ...(second === undefined
        ? {}
        : { through: { host: second.origin.hostname, port: Number(second.origin.port) } }),
    },
    allowUnopened: async (count) => {
      await ask(api, `PUT settings/${PENDING_MAX}`, { value: String(count) });
    },
    answering: async () => await answerNames(ready.dns, async (route, body) => await ask(api, route, body)),
    redeeming: async (options) =>
      await redeemOverLink(
        {
          link: ready.link,
          maximumSessions: Number(MAX_SESSIONS),
          ask: async (route, body) => await ask(api, route, body),
        },
        options,
      ),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function porthole(
  role: string,
  flags: Readonly<Record<string, string>>,
  env: Readonly<Record<string, string>> = {},
): Child {
  const args = [...process.execArgv, MAIN, role, ...Object.entries(flags).flat(), "--json"];
  return start({ command: process.execPath, args, part: "contestant", channel: false, env });
}

async function ask(
  { origin, apiKey, secretKey }: NativeApi,
  route: string,
  body: Readonly<Record<string, string>>,
): Promise<unknown> {
  const [method = "", path = ""] = route.split(" ");
  const response = await fetch(new URL(`/api/v1/${path}`, origin), {
    method,
    headers: {
      authorization: `Basic ${Buffer.from(`${apiKey}:${secretKey}`).toString("base64")}`,
      "content-type": "application/json",
    },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`${route} was refused: ${await response.text()}`);
  return await response.json();
}
