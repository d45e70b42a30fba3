import { useId, useMemo } from "preact/hooks";
import type { Certificate } from "#wire/certificate.ts";
import { lastingOf } from "#wire/certificate-end.ts";
import { Copyable } from "../../ui/copyable.tsx";
import { language } from "../../ui/language.ts";
import { Command } from "../command.tsx";
import { type Column, DataTable } from "../data-table.tsx";
import { byText } from "../sorting.ts";
import { words } from "../words.ts";
import { EndTime } from "./end-time.tsx";
import type { CertificateOverview } from "./overview.ts";
import { Progress } from "./progress.tsx";
import { issuerText, namesText, poolText } from "./texts.ts";

interface CertificateTableProps {
  readonly overview: CertificateOverview;
  readonly onRemove: (certificate: Certificate) => void;
}

/** How much of a fingerprint is shown: who compares copies all of it. */
const FINGERPRINT_DIGITS = 12;

/** Those that were uploaded or come by ACME, with how many nodes serve each. */
export function CertificateTable({ overview, onRemove }: CertificateTableProps) {
  const tongue = language.value;
  const heading = useId();
  const w = words.value.ofCertificates;
  const columns = useMemo(() => certificateColumns({ overview, onRemove, tongue }), [overview, tongue]);

  return (
    <section class="part" aria-labelledby={heading}>
      <h2 id={heading}>{w.uploaded}</h2>
      {overview.certificates.length === 0 ? (
        <div class="empty">
          <p>{w.noneUploaded(overview.isTls)}</p>
          <p class="soft">{w.noneUploadedHow}</p>
          <Command line="npm run -s porthole -- certificate upload --certificate fullchain.pem --key privkey.pem" />
        </div>
      ) : (
        <DataTable
          caption={w.uploaded}
          columns={columns}
          rows={overview.certificates}
          rowId={({ id }) => id}
          initial={{ column: "pool", descending: false }}
        />
      )}
    </section>
  );
}

function certificateColumns({
  overview,
  onRemove,
  tongue,
}: CertificateTableProps & { readonly tongue: string }): readonly Column<Certificate>[] {
  const w = words.value.ofCertificates;
  return [
    {
      id: "names",
      label: w.names,
      cell: (certificate) => (
        <>
          <span title={certificate.names.join(", ")}>{namesText(certificate.names)}</span>
          <span class="narrow-only soft">{poolText(certificate.pool)}</span>
          <span class="medium-only soft small">{issuerText(certificate.issuer)}</span>
          <span class="narrow-only">
            <Progress certificate={certificate} overview={overview} />
          </span>
        </>
      ),
      compare: byText(({ names }) => names.join(), tongue),
    },
    {
      id: "pool",
      label: w.pool,
      cell: ({ pool }) => poolText(pool),
      // That of all pools comes first.
      compare: byText(({ pool }) => pool ?? "", tongue),
      weight: "minor",
    },
    {
      id: "issuer",
      label: w.issuer,
      cell: ({ issuer }) => <span title={issuer}>{issuerText(issuer)}</span>,
      compare: byText(({ issuer }) => issuerText(issuer), tongue),
      weight: "extra",
    },
    {
      id: "ends",
      label: w.ends,
      cell: (certificate) => (
        <>
          <EndTime notAfter={certificate.notAfter} how={lastingOf(certificate, Date.now())} />
          {certificate.source === "acme" && <span class="soft small">{w.byAcme}</span>}
        </>
      ),
      compare: (a, b) => Date.parse(a.notAfter) - Date.parse(b.notAfter),
    },
    {
      id: "nodes",
      label: w.nodes,
      cell: (certificate) => <Progress certificate={certificate} overview={overview} />,
      weight: "minor",
    },
    {
      id: "fingerprint",
      label: w.fingerprint,
      cell: ({ fingerprint, names }) => (
        <Copyable
          text={fingerprint}
          shown={`${fingerprint.slice(0, FINGERPRINT_DIGITS)}…`}
          copy={w.copyFingerprint(namesText(names))}
          copied={words.value.copied}
          walkable
        />
      ),
      weight: "extra",
    },
    {
      id: "remove",
      label: w.remove,
      // While ACME is on control refuses it: another would be ordered at once.
      cell: (certificate) =>
        certificate.source === "upload" && (
          <button
            type="button"
            class="button plain remove"
            aria-label={w.removeOf(namesText(certificate.names))}
            data-walkable
            onClick={() => onRemove(certificate)}
          >
            {w.remove}
          </button>
        ),
    },
  ];
}
