import { useSignal } from "@preact/signals";
import type { Certificate } from "#wire/certificate.ts";
import { Dialog } from "../../ui/dialog.tsx";
import type { Api, ApiError } from "../api.ts";
import { Problem } from "../problem.tsx";
import { apiError } from "../visitor.ts";
import { number, words } from "../words.ts";
import { type CertificateOverview, successorOf } from "./overview.ts";
import { namesText } from "./texts.ts";

interface RemovalDialogProps {
  readonly api: Api;
  readonly certificate: Certificate;
  readonly overview: CertificateOverview;
  readonly onRemoved: () => void;
  readonly onClose: () => void;
}

/** Asks once more, and says what the certificate's nodes show then. */
export function RemovalDialog({ api, certificate, overview, onRemoved, onClose }: RemovalDialogProps) {
  const error = useSignal<ApiError | undefined>(undefined);
  const isBusy = useSignal(false);
  const w = words.value.ofCertificates.removal;
  const showing = overview.nodes.filter(
    (node) => node.agentState === "up" && node.certificate?.chainId === certificate.chainId,
  ).length;
  const next = successorOf(certificate, overview);
  const nextText = next === undefined ? w.nextOwn : w.nextAll(namesText(next.names));

  async function remove() {
    if (isBusy.value) return;
    isBusy.value = true;
    try {
      await api.removeCertificate(certificate.id);
      onRemoved();
    } catch (thrown) {
      error.value = apiError(thrown);
    } finally {
      isBusy.value = false;
    }
  }

  return (
    <Dialog title={w.title(namesText(certificate.names))} onClose={onClose}>
      <div class="stack">
        <p>
          {showing === 0 ? w.touchesNone : w.touches(number(showing))}{" "}
          {overview.isTls ? nextText : w.nextPlain}
        </p>
        <p class="soft">{w.stays}</p>
        {error.value !== undefined && <Problem error={error.value} />}
        <div class="row">
          <button type="button" class="button" onClick={onClose}>
            {w.cancel}
          </button>
          <button type="button" class="button danger" aria-busy={isBusy.value} onClick={() => void remove()}>
            {w.confirm}
          </button>
        </div>
      </div>
    </Dialog>
  );
}
