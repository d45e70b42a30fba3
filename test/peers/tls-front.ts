import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { LOOPBACK, onFreePort } from "../harness/free-port.ts";
import { startProcess } from "../harness/process.ts";
import { scratch } from "../harness/scratch.ts";
import type { TestCertificate } from "../harness/test-certificates.ts";
import { untilAccepts } from "./front-proxies.ts";

export interface TlsFront extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
}

interface Options {
  readonly certificate: TestCertificate;
  /** Whoever comes has to show a certificate of this one's. */
  readonly clientAuthority?: TestCertificate;
}

/** Debian's haproxy, which takes TLS from the first byte on and hands on what is within. */
export async function startTlsFront(
  server: { readonly host: string; readonly port: number },
  { certificate, clientAuthority }: Options,
): Promise<TlsFront> {
  const folder = scratch();
  const inFolder = (name: string, text: string) => {
    const path = join(folder.path, name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
  const pem = inFolder("server.pem", certificate.pem + certificate.keyPem);
  const asks =
    clientAuthority === undefined
      ? ""
      : ` verify required ca-file ${inFolder("ca.pem", clientAuthority.pem)}`;
  return await onFreePort(async (port) => {
    const lines = [
      "defaults",
      "  mode tcp",
      "  timeout connect 10s",
      "  timeout client 1h",
      "  timeout server 1h",
      "listen console",
      `  bind ${LOOPBACK}:${port} ssl crt ${pem}${asks}`,
      `  server console ${server.host}:${server.port}`,
    ];
    const child = await startProcess("haproxy", [
      "-db",
      "-f",
      inFolder("haproxy.cfg", `${lines.join("\n")}\n`),
    ]);
    await untilAccepts(child, port);
    return {
      host: LOOPBACK,
      port,
      [Symbol.asyncDispose]: async () => {
        await child.stop("SIGKILL");
        await folder[Symbol.asyncDispose]();
      },
    };
  });
}
