import { useEffect, useId, useState } from "preact/hooks";
import type { NodeAuthority } from "#wire/certificate.ts";
import { Copyable } from "../../ui/copyable.tsx";
import { words } from "../words.ts";
import { EndTime } from "./end-time.tsx";
import { hexOf } from "./overview.ts";

/** The CA that signs what nodes show without an uploaded certificate, for browsers that are to trust it. */
export function OwnAuthority({ authority }: { readonly authority: NodeAuthority }) {
  const heading = useId();
  const w = words.value.ofCertificates;
  const file = useFile(authority.certificate);

  return (
    <section class="part" aria-labelledby={heading}>
      <h2 id={heading}>{w.authority}</h2>
      <p class="soft authority-about">{w.authorityAbout}</p>
      <dl class="facts">
        {authority.notAfter !== undefined && (
          <>
            <dt>{w.ends}</dt>
            <dd>
              <EndTime notAfter={authority.notAfter} />
            </dd>
          </>
        )}
        <dt>{w.fingerprint}</dt>
        <dd>
          <Copyable
            text={hexOf(authority.fingerprint)}
            copy={words.value.copy}
            copied={words.value.copied}
            worded
          />
        </dd>
      </dl>
      {file !== undefined && (
        <a class="button" href={file} download="porthole-ca.pem">
          {w.download}
        </a>
      )}
    </section>
  );
}

/** A text as a file that can be saved. */
function useFile(text: string): string | undefined {
  const [address, setAddress] = useState<string | undefined>(undefined);
  useEffect(() => {
    const made = URL.createObjectURL(new Blob([text], { type: "application/x-pem-file" }));
    setAddress(made);
    return () => URL.revokeObjectURL(made);
  }, [text]);
  return address;
}
