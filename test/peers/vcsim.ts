import { randomInt } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Secret } from "#base/secret.ts";
import type { VsphereDriverAccess } from "#hypervisors/vsphere/driver.ts";
import { parseVsphereEndpoint } from "#hypervisors/vsphere/endpoint.ts";
import { LOOPBACK } from "../harness/free-port.ts";
import { firstLine, startProcess } from "../harness/process.ts";
import { lacking } from "../harness/requirements.ts";
import { scratch } from "../harness/scratch.ts";
import { type TestCertificate, testCertificate } from "../harness/test-certificates.ts";

/** For `test(…, { skip })`. */
export const lackingVcsim = lacking("vcsim");

/** Who may sign in: test/peers/vcsim/main.go. */
export const ACCOUNT = { username: "console@vsphere.local", secret: "geheim" } as const;

/** Of the loopback addresses some that nobody else has: ports are as free there as on hosts of one's own. */
export function ownNetwork(): string {
  return `127.${randomInt(1, 255)}.${randomInt(1, 255)}`;
}

export interface Vcsim extends AsyncDisposable {
  /** As it is registered. */
  readonly address: string;
  /** Where its hosts and its console proxy open consoles. */
  readonly consolePort: number;
  readonly authority: TestCertificate;
  readonly server: TestCertificate;
  readonly access: VsphereDriverAccess;
}

/** A vCenter of the test's own, whose machines all show one screen. */
export async function startVcsim({
  screen,
  args = [],
  network,
}: {
  readonly screen?: { readonly host: string; readonly port: number };
  readonly args?: readonly string[];
  /** The first three numbers of the addresses at which its hosts are, so that each has all ports: see `ownNetwork`. */
  readonly network?: string;
} = {}): Promise<Vcsim> {
  await using opened = new AsyncDisposableStack();
  const { path } = opened.use(scratch());
  const authority = await testCertificate();
  const own = network === undefined ? LOOPBACK : `${network}.1`;
  const server = await testCertificate({ names: [own], issuer: authority });
  const inFolder = (name: string, text: string) => {
    const file = join(path, name);
    writeFileSync(file, text, { mode: 0o600 });
    return file;
  };
  const program = fileURLToPath(new URL("../../.cache/vcsim/vcsim", import.meta.url));
  const child = opened.use(
    await startProcess(
      program,
      [
        `-cert=${inFolder("server.pem", server.pem)}`,
        `-key=${inFolder("server.key", server.keyPem)}`,
        `-rfb=${screen === undefined ? "" : `${screen.host}:${screen.port}`}`,
        ...(network === undefined ? [] : [`-network=${network}`]),
        ...args,
      ],
      // Where it makes the files that stand for datastores.
      { env: { TMPDIR: path } },
    ),
  );
  const [place, consolePort] = (await firstLine(child)).split(" ");
  const address = `https://${place}`;
  const owned = opened.move();
  return {
    ...{ address, consolePort: Number(consolePort), authority, server },
    access: {
      endpoint: parseVsphereEndpoint(address),
      trust: { caCertificate: authority.pem },
      username: ACCOUNT.username,
      secret: new Secret(ACCOUNT.secret),
      isReadOnly: false,
      consoles: "webmks",
    },
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}
