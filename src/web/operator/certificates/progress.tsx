import type { Certificate } from "#wire/certificate.ts";
import { StateShape } from "../../ui/icons.tsx";
import { number, words } from "../words.ts";
import { type CertificateOverview, progressOf } from "./overview.ts";

interface ProgressProps {
  readonly certificate: Certificate;
  readonly overview: CertificateOverview;
}

/** “3 of 4 nodes serve it”, and how many could not load it. */
export function Progress({ certificate, overview }: ProgressProps) {
  const w = words.value.ofCertificates;
  const { of, serving, refused } = progressOf(certificate, overview);
  if (of === 0) return <span class="state idle">{w.noNodes}</span>;
  const isWhole = serving === of;

  return (
    <>
      <span class={`state ${isWhole ? "good" : "caution"}`}>
        <StateShape shape={isWhole ? "full" : "half"} />
        {isWhole ? w.allServe(number(of)) : w.progress(number(serving), number(of))}
      </span>{" "}
      {refused > 0 && (
        <span class="state bad">
          <StateShape shape="struck" />
          {w.refusedCount(number(refused))}
        </span>
      )}
    </>
  );
}
