import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { LOOPBACK, onFreePort } from "../harness/free-port.ts";
import { startProcess } from "../harness/process.ts";
import { lacking } from "../harness/requirements.ts";
import { scratch } from "../harness/scratch.ts";
import { recipe, untilAccepts } from "./front-proxies.ts";

export const lackingHaproxy = lacking("haproxy");

export interface Haproxy extends AsyncDisposable {
  readonly port: number;
}

/**
 * Debian's haproxy before some servers, each connection to the next of them. It listens before they are there: `servers`
 * is asked for when its own port is known.
 */
export async function startHaproxy(
  servers: (port: number) => Promise<readonly { readonly host: string; readonly port: number }[]>,
): Promise<Haproxy> {
  const folder = scratch();
  const file = join(folder.path, "haproxy.cfg");
  return await onFreePort(async (port) => {
    const lines = (await servers(port)).map(
      (to, index) => `  server node${index} ${to.host}:${to.port} check`,
    );
    writeFileSync(file, configuration(port, lines));
    const child = await startProcess("haproxy", ["-db", "-f", file]);
    await untilAccepts(child, port);
    return {
      port,
      [Symbol.asyncDispose]: async () => {
        await child.stop("SIGKILL");
        await folder[Symbol.asyncDispose]();
      },
    };
  });
}

/** The file that docs/operations/front-proxy.md gives, before other servers and without TLS. */
function configuration(port: number, servers: readonly string[]): string {
  const [before = ""] = recipe("haproxy").split(/^ {2}server /m);
  return [before.replace(/^ {2}bind .*$/m, `  bind ${LOOPBACK}:${port}`).trimEnd(), ...servers, ""].join(
    "\n",
  );
}
