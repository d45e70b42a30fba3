import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "../harness/eventually.ts";
import { LOOPBACK, onFreePort } from "../harness/free-port.ts";
import { startProcess } from "../harness/process.ts";
import { lacking } from "../harness/requirements.ts";
import { scratch } from "../harness/scratch.ts";
import { documented } from "./name-servers.ts";

export const lackingUnbound = lacking("unbound", "bind9-dnsutils");

export interface Unbound extends AsyncDisposable {
  readonly port: number;
  /** What it said, with each question that it was asked. */
  log(): string;
}

/**
 * Debian's unbound as a resolver that knows one domain, and asks the name server there with letters in both cases, which
 * must come back as they were (draft-vixie-dnsext-dns0x20), and with names cut short (RFC 9156). It is told of the domain as our
 * documentation has it, and that nodes' addresses are private, which are believed of no other.
 */
export async function startUnbound(domain: string, server: { host: string; port: number }): Promise<Unbound> {
  const folder = scratch();
  const file = join(folder.path, "unbound.conf");
  return await onFreePort(async (port) => {
    writeFileSync(file, configuration({ domain, server, port, folder: folder.path }));
    const child = await startProcess("unbound", ["-d", "-p", "-c", file]);
    let exit: unknown;
    void child.exited.then((value) => {
      exit = value;
    });
    await eventually(() => assert.ok(exit !== undefined || /start of service/.test(child.stderr.text)));
    assert.equal(exit, undefined, child.stderr.text);
    return {
      port,
      log: () => child.stderr.text,
      [Symbol.asyncDispose]: async () => {
        await child.stop();
        await folder[Symbol.asyncDispose]();
      },
    };
  });
}

function configuration(parts: {
  readonly domain: string;
  readonly server: { readonly host: string; readonly port: number };
  readonly port: number;
  readonly folder: string;
}): string {
  const { domain, server, port, folder } = parts;
  const told = (pattern: RegExp) => documented(pattern).replaceAll("console.example.com", domain);
  const stub = told(/unbound:\n\n```\n(.*?)```/s).replaceAll(
    /203\.0\.113\.\d/g,
    `${server.host}@${server.port}`,
  );
  return `server:
  directory: "${folder}"
  chroot: ""
  username: ""
  pidfile: ""
  use-syslog: no
  logfile: ""
  verbosity: 1
  interface: ${LOOPBACK}@${port}
  do-not-query-localhost: no
  access-control: 127.0.0.0/8 allow
  module-config: "iterator"
  use-caps-for-id: yes
  qname-minimisation-strict: yes
  local-zone: "${domain}." transparent
  private-address: 203.0.113.0/24
  ${told(/`(private-domain: [^`]+)`/)}
${stub}remote-control:
  control-enable: no
`;
}
