import { LOOPBACK, onFreePort } from "../harness/free-port.ts";
import type { TestCertificate } from "../harness/test-certificates.ts";
import { type Libvirt, startLibvirt } from "./libvirt.ts";

/** A libvirt that is reached by TLS, too, by whoever the authority knows. */
export async function startTlsLibvirt(
  authority: TestCertificate,
  server: TestCertificate,
  /** More of libvirtd.conf. */
  more = "",
): Promise<Libvirt & { readonly port: number }> {
  return await onFreePort(async (port) => ({
    port,
    ...(await startLibvirt({
      args: ["--listen"],
      files: { "ca.pem": authority.pem, "cert.pem": server.pem, "key.pem": server.keyPem },
      settings: [
        `listen_addr = "${LOOPBACK}"\ntls_port = "${port}"\nauth_tls = "none"`,
        'ca_file = "FOLDER/ca.pem"\ncert_file = "FOLDER/cert.pem"\nkey_file = "FOLDER/key.pem"',
        more,
      ].join("\n"),
    })),
  }));
}
