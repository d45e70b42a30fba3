import { type Command, Option } from "commander";
import { type NewMachineTls, TLS_MODES } from "#wire/machine-security.ts";
import { CliFailure } from "../exit-status.ts";
import { readSecret } from "../invocation.ts";

/** How a machine's console is reached by TLS. */
export interface TlsOptions {
  /** False for --no-tls. */
  readonly tls?: NewMachineTls["mode"] | false;
  readonly caFile?: string;
  readonly serverName?: string;
  readonly pin?: string;
  readonly clientCert?: string;
  readonly clientKey?: string;
}

export function tlsOptions(command: Command): Command {
  const judged = new Option(
    "--tls <mode>",
    "reach the console by TLS alone, and judge its certificate by an authority and its name (verify), by its fingerprint (pin), or not at all (insecure)",
  );
  return command
    .addOption(judged.choices(TLS_MODES))
    .option("--ca-file <file>", "PEM of the authorities to trust; those of the nodes' systems if absent")
    .option("--server-name <name>", "what its certificate has to be for; the host of the address if absent")
    .option(
      "--pin <fingerprint>",
      "sha256:… or sha1:…, of its certificate; ra2:…, of its RSA key, for RA2 in place of TLS",
    )
    .option("--client-cert <file>", "PEM of a certificate by which the nodes show who they are")
    .option("--client-key <file>", "PEM of its private key; - reads it from standard input");
}

/** All of it is said at once, in an update as well. */
export async function readTls(
  options: TlsOptions,
  option = "--tls",
): Promise<{ readonly tls?: NewMachineTls }> {
  const { tls: mode, caFile, serverName, pin, clientCert, clientKey } = options;
  const given = [caFile, serverName, pin, clientCert, clientKey].some((option) => option !== undefined);
  if (given && (mode === undefined || mode === false))
    throw new CliFailure("usage", `say how the certificate is judged, by ${option} verify, pin or insecure`);
  if (mode === undefined || mode === false) return {};
  return {
    tls: {
      mode,
      ...(caFile === undefined ? {} : { ca: await readSecret(caFile) }),
      ...(serverName === undefined ? {} : { serverName }),
      ...(pin === undefined ? {} : { pin }),
      ...(clientCert === undefined ? {} : { clientCertificate: await readSecret(clientCert) }),
      ...(clientKey === undefined ? {} : { clientKey: await readSecret(clientKey) }),
    },
  };
}
