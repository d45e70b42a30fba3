import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { systemClock } from "#base/clock.ts";
import { formatHostPort, type HostPort } from "#base/config.ts";
import type { Log } from "#base/process/log.ts";
import { Machine } from "./machine.ts";
import { Session } from "./session.ts";

interface DemoOptions {
  readonly listen: HostPort;
  readonly log: Log;
  /** How many may look at the machine at once. */
  readonly maxViewers?: number;
}

/** A demo machine that can be reached. */
export interface DemoServer extends AsyncDisposable {
  /** Where it listens, as HOST:PORT. */
  readonly address: string;
}

const limits = {
  maxViewers: 16,
  /** Beyond the viewers: connections that are told why they are not let in. More are dropped. */
  refusals: 8,
} as const;

/** Starts the demo machine. Rejects when the address cannot be listened on. */
export async function startDemo({
  listen,
  log,
  maxViewers = limits.maxViewers,
}: DemoOptions): Promise<DemoServer> {
  const machine = new Machine(systemClock);
  const sockets = new Set<Socket>();
  const viewers = new Set<Socket>();
  const server = createServer({ noDelay: true, keepAlive: true }, (socket) => {
    const hasRoom = viewers.size < maxViewers;
    sockets.add(socket);
    if (hasRoom) viewers.add(socket);
    socket.on("close", () => {
      sockets.delete(socket);
      viewers.delete(socket);
    });
    const refusal = hasRoom ? undefined : "Too many people look at the demo machine.";
    new Session({ socket, machine, log, refusal });
  });
  server.maxConnections = maxViewers + limits.refusals;
  server.listen(listen);
  await once(server, "listening");
  server.on("error", (error) => log.warn({ error }, "A connection could not be accepted"));
  return {
    address: addressOf(server),
    async [Symbol.asyncDispose]() {
      server.close();
      for (const socket of sockets) socket.destroy();
      machine[Symbol.dispose]();
      await once(server, "close");
    },
  };
}

function addressOf(server: Server): string {
  const { address, port } = server.address() as AddressInfo;
  return formatHostPort({ host: address, port });
}
