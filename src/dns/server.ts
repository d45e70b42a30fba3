import type { HostPort } from "#base/config.ts";
import { serveTcp, type TcpDeadlines } from "./tcp.ts";
import { type Answering, serveUdp } from "./udp.ts";

const limits = {
  /** Where the system picks a port, it picks one for TCP, and that may be taken for UDP. */
  ports: 5,
} as const;

export interface NameServer extends AsyncDisposable {
  /** With the ports that the system gave, where 0 was asked for. */
  readonly addresses: readonly HostPort[];
}

/** Serves UDP and TCP at each address. Rejects with the error of the system, having closed what was opened. */
export async function startNameServer(
  listen: readonly HostPort[],
  answering: Answering,
  deadlines?: TcpDeadlines,
): Promise<NameServer> {
  await using opened = new AsyncDisposableStack();
  const addresses: HostPort[] = [];
  for (const at of listen) {
    const { port, ...both } = await serveBoth(at, answering, deadlines);
    opened.use(both);
    addresses.push({ host: at.host, port });
  }
  const owned = opened.move();
  return { addresses, [Symbol.asyncDispose]: async () => await owned.disposeAsync() };
}

async function serveBoth(
  { host, port: asked }: HostPort,
  answering: Answering,
  deadlines: TcpDeadlines | undefined,
): Promise<{ readonly port: number } & AsyncDisposable> {
  for (let attempt = 1; ; attempt += 1) {
    await using opened = new AsyncDisposableStack();
    const { port } = opened.use(await serveTcp({ host, port: asked }, answering, deadlines));
    try {
      opened.use(await serveUdp({ host, port }, answering));
    } catch (error) {
      if (asked !== 0 || attempt === limits.ports) throw error;
      continue;
    }
    const owned = opened.move();
    return { port, [Symbol.asyncDispose]: async () => await owned.disposeAsync() };
  }
}
