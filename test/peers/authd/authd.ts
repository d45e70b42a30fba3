import { hash, X509Certificate } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { LOOPBACK } from "../../harness/free-port.ts";
import { firstLine, startProcess } from "../../harness/process.ts";
import { scratch } from "../../harness/scratch.ts";
import { testCertificate } from "../../harness/test-certificates.ts";

/** Debian's own, as for Nova: what `python3` is may be another. */
const PYTHON = "/usr/bin/python3";

/** What authd.py does otherwise than an authd that likes everything. */
type Trouble =
  | "garbage"
  | "endless"
  | "silent"
  | "busy"
  | "no TLS"
  | "hangs up at last"
  | `${"refuses" | "hangs up at"} ${"USER" | "PASS" | "THUMBPRINT" | "CONNECT"}`;

export interface Authd extends AsyncDisposable {
  readonly host: string;
  readonly port: number;
  /** What Nova says of the machine behind it, as the internal access path of its console. */
  readonly access: { readonly ticket: string; readonly cfgFile: string; readonly thumbprint: string };
  /** What it was told, in lines. */
  told(): readonly string[];
}

/** A double of an ESXi host's authd, with a machine whose screen is that of a VNC server. What it is written from stands in authd.py. */
export async function startAuthd(
  vnc: { readonly host: string; readonly port: number },
  options: {
    readonly trouble?: Trouble;
    /** What it says of the machine's certificate, in place of the truth. */
    readonly thumbprint?: string;
  } = {},
): Promise<Authd> {
  await using opened = new AsyncDisposableStack();
  const folder = opened.use(scratch());
  const write = async (name: string) => {
    const { pem, keyPem } = await testCertificate({ commonName: name });
    writeFileSync(join(folder.path, `${name}.pem`), pem);
    writeFileSync(join(folder.path, `${name}.key`), keyPem, { mode: 0o600 });
    return { cert: join(folder.path, `${name}.pem`), key: join(folder.path, `${name}.key`), pem };
  };
  const [authd, machine] = [await write("authd"), await write("machine")];
  const access = {
    ticket: "52d41c6e-4f0b-7d1a-9c55-1e0f3a2b4c6d",
    cfgFile: "/vmfs/volumes/4a6c/web 1/web 1.vmx",
    thumbprint: hash("sha1", new X509Certificate(authd.pem).raw, "hex"),
  };
  const config = {
    ...{ cert: authd.cert, key: authd.key, machineCert: machine.cert, machineKey: machine.key },
    ...{ ticket: access.ticket, cfgFile: access.cfgFile, vnc: [vnc.host, vnc.port], ...options },
  };
  const child = opened.use(
    await startProcess(PYTHON, [fileURLToPath(new URL("authd.py", import.meta.url)), JSON.stringify(config)]),
  );
  const port = Number(await firstLine(child));
  const owned = opened.move();
  return {
    ...{ host: LOOPBACK, port, access },
    told: () => child.stdout.text.split("\n").slice(1, -1),
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}
