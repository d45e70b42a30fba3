import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { LOOPBACK, onFreePort } from "../harness/free-port.ts";
import { startProcess } from "../harness/process.ts";
import { lacking } from "../harness/requirements.ts";
import { scratch } from "../harness/scratch.ts";
import { untilAccepts } from "./front-proxies.ts";

export const lackingWebsockify = lacking("websockify");

export interface Websockify extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** Where a server is found, by its name. */
  pathOf(name: string): string;
}

/** Debian's websockify before some servers, each found by a token of its own; with a certificate it takes TLS alone. */
export async function startWebsockify(
  servers: Readonly<Record<string, { readonly host: string; readonly port: number }>>,
  certificate?: { readonly pem: string; readonly keyPem: string },
): Promise<Websockify> {
  const folder = scratch();
  const inFolder = (name: string, text: string) => {
    const path = join(folder.path, name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
  const tokens = Object.entries(servers).map(([name, { host, port }]) => `${name}: ${host}:${port}\n`);
  const args = ["--token-plugin", "TokenFile", "--token-source", inFolder("tokens", tokens.join(""))];
  if (certificate !== undefined) {
    const [pem, key] = [inFolder("cert.pem", certificate.pem), inFolder("key.pem", certificate.keyPem)];
    args.push("--ssl-only", "--cert", pem, "--key", key);
  }
  return await onFreePort(async (port) => {
    const child = await startProcess("websockify", [...args, `${LOOPBACK}:${port}`]);
    await untilAccepts(child, port);
    return {
      host: LOOPBACK,
      port,
      pathOf: (name) => `/websockify?token=${name}`,
      [Symbol.asyncDispose]: async () => {
        await child.stop("SIGKILL");
        await folder[Symbol.asyncDispose]();
      },
    };
  });
}
