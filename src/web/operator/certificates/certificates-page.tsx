import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import type { Certificate } from "#wire/certificate.ts";
import type { Api } from "../api.ts";
import { Command } from "../command.tsx";
import type { Loaded } from "../loaded.ts";
import { Problem } from "../problem.tsx";
import { useRefresh } from "../refresh.ts";
import { words } from "../words.ts";
import { CertificateRemoval } from "./certificate-removal.tsx";
import { CertificateTable } from "./certificate-table.tsx";
import { NodeTable } from "./node-table.tsx";
import { type CertificateOverview, standingOf } from "./overview.ts";
import { OwnAuthority } from "./own-authority.tsx";
import { Progress } from "./progress.tsx";
import { namesText } from "./texts.ts";
import { UploadDialog } from "./upload-dialog.tsx";

const limits = {
  refreshMs: 10_000,
  /** While nodes are about to change what they serve. */
  waitingMs: 2_000,
} as const;

interface CertificatesPageProps {
  readonly api: Api;
  readonly loaded: Loaded<CertificateOverview>;
}

/** What was done last, of which the nodes are yet to hear. */
type Done =
  | { readonly kind: "uploaded"; readonly certificate: Certificate; readonly setsDomain: boolean }
  | { readonly kind: "removed"; readonly certificate: Certificate };

/** What console nodes show to browsers: what was uploaded, and how far each node is with it. */
export function CertificatesPage({ api, loaded }: CertificatesPageProps) {
  const isUploading = useSignal(false);
  const removing = useSignal<Certificate | undefined>(undefined);
  const done = useSignal<Done | undefined>(undefined);
  const uploadButton = useRef<HTMLButtonElement>(null);
  const overview = loaded.data.value;
  const error = loaded.error.value;
  const isWaiting = overview?.nodes.some((node) => standingOf(node, overview) === "waits") ?? false;
  const load = () => void loaded.load(async () => await api.certificates());
  useRefresh(load, isWaiting ? limits.waitingMs : limits.refreshMs);
  const w = words.value.ofCertificates;

  function finish(what: Done) {
    isUploading.value = false;
    removing.value = undefined;
    done.value = what;
    load();
    // With its row goes the button that was pressed; this one stays.
    if (what.kind === "removed") requestAnimationFrame(() => uploadButton.current?.focus());
  }

  return (
    <main class="page parts">
      <header class="page-head">
        <h1>{words.value.certificates}</h1>
        {overview !== undefined && (
          <button
            ref={uploadButton}
            type="button"
            class="button primary"
            onClick={() => {
              isUploading.value = true;
            }}
          >
            {w.upload}
          </button>
        )}
      </header>
      {error !== undefined && <Problem error={error} onTryAgain={load} />}
      {overview === undefined && error === undefined && <p class="soft">{words.value.loading}</p>}
      <div class="done" role="status">
        {overview !== undefined && done.value !== undefined && (
          <Outcome done={done.value} overview={overview} />
        )}
      </div>
      {overview !== undefined && (
        <>
          {!overview.isTls && <TlsOff />}
          <CertificateTable
            overview={overview}
            onRemove={(certificate) => {
              removing.value = certificate;
            }}
          />
          <NodeTable overview={overview} />
          <OwnAuthority authority={overview.authority} />
        </>
      )}
      {overview !== undefined && isUploading.value && (
        <UploadDialog
          api={api}
          overview={overview}
          onUploaded={(certificate, setsDomain) => finish({ kind: "uploaded", certificate, setsDomain })}
          onClose={() => {
            isUploading.value = false;
          }}
        />
      )}
      {overview !== undefined && removing.value !== undefined && (
        <CertificateRemoval
          api={api}
          certificate={removing.value}
          overview={overview}
          onRemoved={() => {
            if (removing.value !== undefined) finish({ kind: "removed", certificate: removing.value });
          }}
          onClose={() => {
            removing.value = undefined;
          }}
        />
      )}
    </main>
  );
}

/** Said as it comes about: how many nodes have confirmed. */
function Outcome({ done, overview }: { readonly done: Done; readonly overview: CertificateOverview }) {
  const w = words.value.ofCertificates;
  const names = namesText(done.certificate.names);
  if (done.kind === "removed") return <p class="notice idle">{w.removedNow(names)}</p>;
  // It may have been replaced or removed meanwhile, here or elsewhere.
  const current = overview.certificates.find(({ id }) => id === done.certificate.id);

  return (
    <p class="notice good">
      <span>
        {w.uploadedNow(names)} {done.setsDomain && w.domainNow(overview.domain)}{" "}
        {current !== undefined && overview.isTls && <Progress certificate={current} overview={overview} />}
      </span>
    </p>
  );
}

function TlsOff() {
  return (
    <div class="empty">
      <p>{words.value.ofCertificates.tlsOff}</p>
      <Command line="npm run -s porthole -- setting set consoleproxy.sslEnabled true" />
    </div>
  );
}
