import { readFileSync } from "node:fs";
import { ConfigError, text } from "#base/config.ts";
import type { UpstreamTls } from "#wire/grant.ts";
import { type CloudFile, openCloudFile } from "./cloud-file.ts";

/** What control must know to stand in front of a Nova. */
export const NOVA_FIELDS = {
  novaCloud: {
    env: "PORTHOLE_CONTROL_NOVA_CLOUD",
    doc: "A clouds.yaml with one cloud: the Nova whose console tokens nodes serve, and as whom it is asked about them; by default none.",
    placeholder: "FILE",
    parse: text,
    fallback: null,
  },
  novaVncCa: {
    env: "PORTHOLE_CONTROL_NOVA_VNC_CA",
    doc: "The authorities by which that Nova's VNC servers are known, as its vencrypt_ca_certs: they are spoken to by VeNCrypt then, and not without.",
    placeholder: "FILE",
    parse: text,
    fallback: null,
  },
  novaVncCertificate: {
    env: "PORTHOLE_CONTROL_NOVA_VNC_CERTIFICATE",
    doc: "By which nodes show these servers who they are, as its vencrypt_client_cert.",
    placeholder: "FILE",
    parse: text,
    fallback: null,
  },
  novaVncKey: {
    env: "PORTHOLE_CONTROL_NOVA_VNC_KEY",
    doc: "The key of that certificate, as its vencrypt_client_key.",
    placeholder: "FILE",
    parse: text,
    fallback: null,
  },
} as const;

/** Where these fields are, each null where it was not given. */
export type NovaConfig = { readonly [Name in keyof typeof NOVA_FIELDS]: string | null };

/** By which the VNC servers of a Nova's machines are known: what is verified, but the name that each is for. */
export type VncTrust = Omit<Extract<UpstreamTls, { mode: "verify" }>, "mode" | "serverName">;

/** A Nova that this installation stands in front of. */
export interface NovaBehind {
  readonly cloud: CloudFile;
  /** undefined: there is no TLS. */
  readonly vnc: VncTrust | undefined;
}

/** undefined where there is none. Throws a ConfigError that lists every problem. */
export function readNovaBehind(config: NovaConfig): NovaBehind | undefined {
  const { novaCloud, novaVncCa, novaVncCertificate, novaVncKey } = config;
  const problems: string[] = [];
  if (novaCloud === null && [novaVncCa, novaVncCertificate, novaVncKey].some((file) => file !== null))
    problems.push("--nova-vnc-ca and what belongs to it need --nova-cloud");
  if ((novaVncCertificate === null) !== (novaVncKey === null))
    problems.push("--nova-vnc-certificate and --nova-vnc-key belong together");
  if (novaVncCa === null && novaVncCertificate !== null)
    problems.push("--nova-vnc-certificate needs --nova-vnc-ca: without it nothing is said by TLS");
  const ca = read("nova-vnc-ca", novaVncCa, problems);
  const certificate = read("nova-vnc-certificate", novaVncCertificate, problems);
  const key = read("nova-vnc-key", novaVncKey, problems);
  if (problems.length > 0) throw new ConfigError(problems);
  if (novaCloud === null) return undefined;
  const client = certificate === undefined || key === undefined ? {} : { client: { certificate, key } };
  return { cloud: openCloudFile(novaCloud), vnc: ca === undefined ? undefined : { ca, ...client } };
}

function read(name: string, file: string | null, problems: string[]): string | undefined {
  if (file === null) return undefined;
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    problems.push(`--${name} ${file}: ${cause instanceof Error ? cause.message : String(cause)}`);
    return undefined;
  }
}
