import { type Command, Option } from "commander";
import { type NewMachineTls, TLS_MODES } from "#wire/machine-security.ts";
import { readTls } from "./machine-tls.ts";

/** How the consoles of all machines of a hypervisor are reached by TLS. */
export interface ConsoleTlsOptions {
  /** False for --no-console-tls. */
  readonly consoleTls?: NewMachineTls["mode"] | false;
  readonly consoleCaFile?: string;
  readonly consoleServerName?: string;
  readonly consolePin?: string;
  readonly consoleClientCert?: string;
  readonly consoleClientKey?: string;
}

export function consoleTlsOptions(command: Command): Command {
  const judged = new Option(
    "--console-tls <mode>",
    "have nodes reach its machines' consoles by TLS alone (vnc_tls of libvirt), and judge the certificate as with machine add --tls",
  );
  return command
    .addOption(judged.choices(TLS_MODES))
    .option("--console-ca-file <file>", "PEM of the authorities to trust for it")
    .option(
      "--console-server-name <name>",
      "what the certificate has to be for; the hypervisor's host if absent",
    )
    .option("--console-pin <fingerprint>", "sha256:… or sha1:…, of the certificate")
    .option("--console-client-cert <file>", "PEM of a certificate by which the nodes show who they are")
    .option("--console-client-key <file>", "PEM of its private key; - reads it from standard input");
}

export async function readConsoleTls(
  options: ConsoleTlsOptions,
): Promise<{ readonly consoleTls?: NewMachineTls }> {
  const { tls } = await readTls(
    {
      ...(options.consoleTls === undefined ? {} : { tls: options.consoleTls }),
      ...(options.consoleCaFile === undefined ? {} : { caFile: options.consoleCaFile }),
      ...(options.consoleServerName === undefined ? {} : { serverName: options.consoleServerName }),
      ...(options.consolePin === undefined ? {} : { pin: options.consolePin }),
      ...(options.consoleClientCert === undefined ? {} : { clientCert: options.consoleClientCert }),
      ...(options.consoleClientKey === undefined ? {} : { clientKey: options.consoleClientKey }),
    },
    "--console-tls",
  );
  return tls === undefined ? {} : { consoleTls: tls };
}
