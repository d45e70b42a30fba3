import { once } from "node:events";
import { createServer } from "node:net";
import type { HostPort } from "#base/config.ts";
import { StartFailure } from "#base/process/start-failure.ts";
import { isWildcard } from "#wire/address.ts";

/** Where control listens if nobody says where. */
export const PREFERRED: HostPort = { host: "127.0.0.1", port: 8000 };

/**
 * Where control is to listen. What was asked for is taken as it is, and control says so if it is not free; what is
 * merely preferred gives way to a free port, of which `note` hears.
 */
export async function chooseListen(
  asked: HostPort | null,
  { preferred, note }: { readonly preferred: HostPort; readonly note: (text: string) => void },
): Promise<HostPort> {
  if (asked !== null && isWildcard(asked.host))
    throw new StartFailure(
      `--listen must be one address of this machine, not ${asked.host}: links to consoles name it. ` +
        "For more than one, run “porthole control” and “porthole proxy” with --public-url.",
    );
  if (asked !== null) return asked;
  if (await isFree(preferred)) return preferred;
  note(`Port ${preferred.port} is taken, so another one is used. --listen HOST:PORT names one.`);
  return { ...preferred, port: 0 };
}

async function isFree({ host, port }: HostPort): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, host);
    await once(server, "listening");
    server.close();
    await once(server, "close");
    return true;
  } catch {
    return false;
  }
}
