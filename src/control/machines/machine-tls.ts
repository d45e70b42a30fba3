import { X509Certificate } from "node:crypto";
import { isIP } from "node:net";
import { Secret } from "#base/secret.ts";
import { pemBlocks } from "#tls/certificate/pem.ts";
import { readUpload } from "#tls/certificate/upload.ts";
import { readCertificatePin } from "#wire/certificate-pin.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { MachineTls, NewMachineTls } from "#wire/machine-security.ts";

/** What an administrator says of a machine's TLS, in the one spelling in which it is kept. */
export interface ReadTls {
  readonly tls: MachineTls;
  readonly clientKey: Secret | undefined;
}

/** Throws `request_invalid` that says what is wrong with it. */
export function readMachineTls(given: NewMachineTls): ReadTls {
  const { mode, ca, serverName, pin } = given;
  if (mode !== "verify" && (ca !== undefined || serverName !== undefined))
    throw invalid("an authority and a name are for the mode verify");
  if (mode !== "pin" && pin !== undefined) throw invalid("a pin is for the mode pin");
  if (mode === "pin" && pin === undefined) throw invalid("the mode pin takes a pin");
  const { certificate, key } = readClient(given);
  return {
    tls: {
      mode,
      ...(ca === undefined ? {} : { ca: readAuthorities(ca) }),
      ...(serverName === undefined ? {} : { serverName: readServerName(serverName) }),
      ...(pin === undefined ? {} : { pin: readPin(pin) }),
      ...(certificate === undefined ? {} : { clientCertificate: certificate }),
    },
    clientKey: key,
  };
}

/** What the database has, which was read before it was kept. */
export function tlsOnRecord(text: string): MachineTls {
  return JSON.parse(text) as MachineTls;
}

function readServerName(text: string): string {
  const name = text.toLowerCase();
  const isName = /^[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*$/.test(name);
  if (isIP(name) === 0 && !isName) throw invalid("the server name is no name and no address");
  return name;
}

function readPin(text: string): string {
  if (/^ra2:/i.test(text.trim())) return readRa2Pin(text);
  const pin = readCertificatePin(text);
  if (pin === undefined)
    throw invalid(
      "a pin is sha256: and 64 hexadecimal digits, or sha1: and 40, or ra2: and 16 or 40 of them",
    );
  return pin;
}

/** As viewers show an RA2 server's key, eight bytes with hyphens, or all of its SHA-1. */
function readRa2Pin(text: string): string {
  const digits = text.trim().slice("ra2:".length).toLowerCase().replaceAll(/[-:]/g, "");
  if (!/^([0-9a-f]{16}|[0-9a-f]{40})$/.test(digits))
    throw invalid(
      "a pin of RA2 is ra2: and the 16 hexadecimal digits that viewers show, or all 40 of its SHA-1",
    );
  return `ra2:${digits}`;
}

function readAuthorities(text: string): string {
  const blocks = pemBlocks(text).filter(({ label }) => label.endsWith("CERTIFICATE"));
  if (blocks.length === 0) throw invalid("the authority is not PEM: there is no certificate in it");
  for (const block of blocks) readCertificate(block.text);
  return blocks.map((block) => block.text).join("");
}

function readCertificate(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch {
    throw invalid("a certificate of the authority is damaged: it cannot be read");
  }
}

function readClient({ clientCertificate: certificate, clientKey: privateKey }: NewMachineTls): {
  readonly certificate?: string;
  readonly key: Secret | undefined;
} {
  if (certificate === undefined && privateKey === undefined) return { key: undefined };
  if (certificate === undefined || privateKey === undefined)
    throw invalid("a client certificate and its private key go together");
  const { certificates, keys, problems } = readUpload({ certificate, privateKey });
  const [problem] = problems;
  if (problem !== undefined) throw invalid(`client certificate: ${problem}`);
  const key = keys[0];
  const leaf = key === undefined ? undefined : certificates.find((each) => each.checkPrivateKey(key));
  if (key === undefined || leaf === undefined)
    throw invalid("client certificate: the private key belongs to none of the certificates");
  const chain = [leaf, ...certificates.filter((each) => each !== leaf)];
  const pem = key.export({ format: "pem", type: "pkcs8" }).toString();
  return { certificate: chain.map((each) => each.toString()).join(""), key: new Secret(pem) };
}

function invalid(problem: string): GatewayError {
  return new GatewayError("request_invalid", { detail: `tls: ${problem}` });
}
