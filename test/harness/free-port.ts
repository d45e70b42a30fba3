import { randomInt } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type ListenOptions, type Server } from "node:net";

export const LOOPBACK = "127.0.0.1";

/** How many ports below the kernel's own are drawn from; those of `portBlock` are below them. */
const PORTS = 10_000;

/**
 * A port that was free a moment ago, for programs that cannot pick one themselves. It is none of those that the kernel
 * gives to connections, and to who listens on port 0, of which a busy machine takes hundreds a second, and none that
 * another test has drawn; somebody else may take it nevertheless: start them with `onFreePort`.
 */
async function freePort(): Promise<number> {
  const range = readFileSync("/proc/sys/net/ipv4/ip_local_port_range", "utf8");
  const end = Number.parseInt(range, 10);
  for (;;) {
    const port = randomInt(Math.max(1024, end - PORTS), end);
    if ((await isClaimed(port)) && (await isFree(port))) return port;
  }
}

/**
 * Whether the port is this process's from now on, until it ends. Of two that draw the same port, one would otherwise take
 * the other's program, or the other's look whether the port is free, for its own. The claim is an abstract UNIX socket,
 * which the system drops with the process.
 */
async function isClaimed(port: number): Promise<boolean> {
  return await listens(createServer().unref(), { path: `\0porthole-test-port-${port}` });
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  if (!(await listens(server, { port, host: LOOPBACK }))) return false;
  server.close();
  await once(server, "close");
  return true;
}

async function listens(server: Server, at: ListenOptions): Promise<boolean> {
  try {
    await once(server.listen(at), "listening");
    return true;
  } catch {
    return false;
  }
}

const attempts = 5;

/** Starts something on a free port, with another one when `start` finds it taken. */
export async function onFreePort<Value>(start: (port: number) => Promise<Value>): Promise<Value> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await start(await freePort());
    } catch (error) {
      if (attempt === attempts) throw error;
    }
  }
}
