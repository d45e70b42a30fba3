import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { Agent, get } from "node:https";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { createAuthority, issueServerCertificate } from "#tls/authority.ts";
import { eventually } from "../harness/eventually.ts";
import { LOOPBACK, onFreePort } from "../harness/free-port.ts";
import { startProcess } from "../harness/process.ts";
import { lacking } from "../harness/requirements.ts";
import { scratch } from "../harness/scratch.ts";

export const lackingPebble = lacking("pebble");

export interface Pebble extends AsyncDisposable {
  readonly directory: string;
  /** PEM: of its own HTTPS, and of the certificates that it issues. */
  readonly roots: string;
  /** What it said. */
  log(): string;
}

/** In place of a resolver that is not asked. */
const NOBODY = `${LOOPBACK}:1`;

export interface PebbleOptions {
  /** The resolver that it asks, HOST:PORT. */
  readonly resolver?: string;
  /** On which it looks for answers to http-01, in place of 80. */
  readonly httpPort?: number;
  /** Key ids and their keys, where accounts have to be bound. */
  readonly externalAccounts?: Readonly<Record<string, string>>;
  /** Believes every name without looking, for tests of what comes after that. */
  readonly believesAll?: boolean;
  /** Of requests whose nonce it refuses on purpose, in percent. */
  readonly refusedNonces?: number;
  /** Where it listens, for one that comes back. */
  readonly port?: number;
}

/** Debian's pebble: Let's Encrypt's own authority for tests. It forgets everything when it ends. */
export async function startPebble(options: PebbleOptions): Promise<Pebble> {
  const folder = scratch();
  const authority = await createAuthority({ name: "pebble's own HTTPS", now: Date.now() });
  const { certificate, privateKey } = await issueServerCertificate(authority, {
    hosts: [LOOPBACK],
    now: Date.now(),
  });
  writeFileSync(join(folder.path, "cert.pem"), certificate);
  writeFileSync(join(folder.path, "key.pem"), privateKey);
  return await onFreePort(
    async (management) =>
      await onFreePort(async (free) => {
        const port = options.port ?? free;
        const file = join(folder.path, "pebble.json");
        writeFileSync(file, configuration({ ...options, port, management, folder: folder.path }));
        const child = await startProcess(
          "pebble",
          ["-config", file, "-dnsserver", options.resolver ?? NOBODY, "-strict=false"],
          {
            env: {
              PEBBLE_VA_NOSLEEP: "1",
              PEBBLE_WFE_NONCEREJECT: String(options.refusedNonces ?? 0),
              ...(options.believesAll === true ? { PEBBLE_VA_ALWAYS_VALID: "1" } : {}),
            },
          },
        );
        const log = () => child.stdout.text + child.stderr.text;
        let exit: unknown;
        void child.exited.then((value) => {
          exit = value;
        });
        const root = await eventually(async () => {
          if (exit !== undefined) return undefined;
          return await rootOf(management, authority.certificate);
        });
        assert.ok(root !== undefined, log());
        return {
          directory: `https://${LOOPBACK}:${port}/dir`,
          roots: authority.certificate + root,
          log,
          [Symbol.asyncDispose]: async () => {
            await child.stop();
            await folder[Symbol.asyncDispose]();
          },
        };
      }),
  );
}

/** Of the certificates that it issues: another one at each start. */
async function rootOf(port: number, ca: string): Promise<string> {
  const asked = get(`https://${LOOPBACK}:${port}/roots/0`, { agent: new Agent({ ca }) });
  const [answer] = (await once(asked, "response")) as [IncomingMessage];
  assert.equal(answer.statusCode, 200);
  return await text(answer);
}

function configuration(
  parts: PebbleOptions & { readonly port: number; readonly management: number; readonly folder: string },
): string {
  const { port, management, folder, httpPort = 5002, externalAccounts } = parts;
  return JSON.stringify({
    pebble: {
      listenAddress: `${LOOPBACK}:${port}`,
      managementListenAddress: `${LOOPBACK}:${management}`,
      certificate: join(folder, "cert.pem"),
      privateKey: join(folder, "key.pem"),
      httpPort,
      tlsPort: 5001,
      ocspResponderURL: "",
      externalAccountBindingRequired: externalAccounts !== undefined,
      ...(externalAccounts === undefined ? {} : { externalAccountMACKeys: externalAccounts }),
    },
  });
}
