import type { Certificate } from "#wire/certificate.ts";
import type { Api } from "../api.ts";
import { RemovalDialog } from "../removal-dialog.tsx";
import { number, words } from "../words.ts";
import { type CertificateOverview, successorOf } from "./overview.ts";
import { namesText } from "./texts.ts";

interface CertificateRemovalProps {
  readonly api: Api;
  readonly certificate: Certificate;
  readonly overview: CertificateOverview;
  readonly onRemoved: () => void;
  readonly onClose: () => void;
}

/** Asks once more, and says what the certificate's nodes show then. */
export function CertificateRemoval({ api, certificate, overview, ...closing }: CertificateRemovalProps) {
  const w = words.value.ofCertificates.removal;
  const showing = overview.nodes.filter(
    (node) => node.agentState === "up" && node.certificate?.chainId === certificate.chainId,
  ).length;
  const next = successorOf(certificate, overview);
  const nextText = next === undefined ? w.nextOwn : w.nextAll(namesText(next.names));

  return (
    <RemovalDialog
      title={w.title(namesText(certificate.names))}
      words={w}
      remove={async () => await api.removeCertificate(certificate.id)}
      {...closing}
    >
      <p>
        {showing === 0 ? w.touchesNone : w.touches(number(showing))} {overview.isTls ? nextText : w.nextPlain}
      </p>
      <p class="soft">{w.stays}</p>
    </RemovalDialog>
  );
}
