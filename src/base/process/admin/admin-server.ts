import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { isIP, type Socket } from "node:net";
import { ConfigError, formatHostPort, type HostPort } from "../../config.ts";

const limits = {
  /** Whoever watches keeps one or two. With one more, the one that was asked on longest ago is closed. */
  connections: 32,
  headerBytes: 8 * 1024,
  /** From the first byte of a request to its end. */
  requestMs: 5_000,
  /** How often that is looked at. */
  lookMs: 2_000,
  keepAliveMs: 65_000,
  /** For all that is looked at to say whether the process is ready. */
  checkMs: 2_000,
} as const;

/** Looks at one thing that the process needs to be of use. Resolves to what is wrong with it, if something is. */
export type Check = () => string | undefined | Promise<string | undefined>;

export interface AdminOptions {
  readonly listen: HostPort;
  /** Names under which it may be asked for, beside addresses and `localhost`. */
  readonly names: readonly string[];
  /** In Prometheus' text format. */
  readonly metrics: () => Promise<string>;
  readonly checks: Readonly<Record<string, Check>>;
}

export interface Admin extends AsyncDisposable {
  readonly origin: string;
}

/**
 * The port for operators and what watches for them: `/metrics`, `/livez`, `/readyz`. It is no part of what browsers reach,
 * asks for no credential, and tells no secret. Throws a ConfigError where it cannot listen.
 */
export async function openAdmin(options: AdminOptions): Promise<Admin> {
  const server = createServer({
    maxHeaderSize: limits.headerBytes,
    headersTimeout: limits.requestMs,
    requestTimeout: limits.requestMs,
    connectionsCheckingInterval: limits.lookMs,
    keepAliveTimeout: limits.keepAliveMs,
  });
  const connections = new Set<Socket>();
  server.on("connection", (socket) => admit(socket, connections));
  server.on("request", (request, response) => {
    // It is the youngest now.
    if (connections.delete(request.socket)) connections.add(request.socket);
    void answer(request, options)
      .catch(() => text(500, "it could not be read\n"))
      .then((said) => send(response, said));
  });
  await listen(server, options.listen);
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : options.listen.port;
  return {
    origin: `http://${formatHostPort({ host: options.listen.host, port })}`,
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

/** Whoever comes is let in: connections that somebody holds open keep nobody from seeing how the process is. */
function admit(socket: Socket, connections: Set<Socket>): void {
  connections.add(socket);
  socket.once("close", () => connections.delete(socket));
  const [oldest] = connections;
  if (connections.size <= limits.connections || oldest === undefined) return;
  connections.delete(oldest);
  oldest.destroy();
}

async function listen(server: Server, at: HostPort): Promise<void> {
  server.listen({ host: at.host, port: at.port });
  try {
    await once(server, "listening");
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigError([`--admin-listen ${formatHostPort(at)}: ${reason}`]);
  }
}

interface Said {
  readonly status: number;
  readonly body: string;
  readonly type: string;
}

async function answer(request: IncomingMessage, options: AdminOptions): Promise<Said> {
  if (!isKnown(request.headers.host, options.names))
    return text(421, "this server is not known by that name; see --admin-names\n");
  if (request.method !== "GET") return text(405, "only GET is taken\n");
  const [path] = (request.url ?? "").split("?");
  switch (path) {
    case "/metrics":
      return { ...text(200, await options.metrics()), type: "text/plain; version=0.0.4; charset=utf-8" };
    case "/livez":
      return text(200, "live\n"); // The event loop turns, or nobody would say so.
    case "/readyz":
      return await readiness(options.checks);
    default:
      return text(404, "/metrics, /livez and /readyz are here\n");
  }
}

/** A page of another site can give its own name our address (DNS rebinding), but not an address or `localhost` its own. */
function isKnown(host: string | undefined, names: readonly string[]): boolean {
  const name = (host ?? "").toLowerCase().replace(/:\d+$/, "");
  const address = /^\[(.*)\]$/.exec(name)?.[1] ?? name;
  return name === "localhost" || isIP(address) !== 0 || names.some((known) => known.toLowerCase() === name);
}

async function readiness(checks: AdminOptions["checks"]): Promise<Said> {
  const problems = await Promise.all(
    Object.entries(checks).map(async ([name, check]) => {
      const problem = await within(limits.checkMs, check);
      return problem === undefined ? [] : [`${name}: ${problem}\n`];
    }),
  );
  const said = problems.flat().join("");
  return said === "" ? text(200, "ready\n") : text(503, said);
}

async function within(milliseconds: number, check: Check): Promise<string | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<string>();
  const timer = setTimeout(resolve, milliseconds, `no answer within ${milliseconds} ms`);
  try {
    return await Promise.race([check(), late]);
  } catch {
    return "it fails; the log says why"; // What it throws may name hosts and files.
  } finally {
    clearTimeout(timer);
  }
}

function text(status: number, body: string): Said {
  return { status, body, type: "text/plain; charset=utf-8" };
}

function send(response: ServerResponse, { status, body, type }: Said): void {
  response.writeHead(status, {
    "content-type": type,
    "content-length": Buffer.byteLength(body),
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    ...(status === 405 ? { allow: "GET" } : {}),
  });
  response.end(body);
}
