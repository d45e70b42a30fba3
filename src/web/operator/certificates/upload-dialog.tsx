import type { TargetedSubmitEvent } from "preact";
import { useMemo, useRef } from "preact/hooks";
import type { Certificate } from "#wire/certificate.ts";
import { Choice } from "../../ui/choice.tsx";
import { Dialog } from "../../ui/dialog.tsx";
import { StateShape } from "../../ui/icons.tsx";
import { language } from "../../ui/language.ts";
import type { Api } from "../api.ts";
import { FormField } from "../form-field.tsx";
import { Problem } from "../problem.tsx";
import { words } from "../words.ts";
import { useFileDrop } from "./file-drop.ts";
import { type CertificateOverview, poolsOf } from "./overview.ts";
import { PartField } from "./part-field.tsx";
import { namesText } from "./texts.ts";
import { type PartName, UploadForm } from "./upload-form.ts";

interface UploadDialogProps {
  readonly api: Api;
  readonly overview: CertificateOverview;
  /** `setsDomain`: with it, consoleproxy.url.domain was set. */
  readonly onUploaded: (certificate: Certificate, setsDomain: boolean) => void;
  readonly onClose: () => void;
}

/** Takes a certificate by files or as text. Whatever is wrong is said at once; what was brought stays until it is right. */
export function UploadDialog({ api, overview, onUploaded, onClose }: UploadDialogProps) {
  const form = useMemo(() => new UploadForm(), []);
  const place = useRef<HTMLFormElement>(null);
  const w = words.value.ofCertificates;
  const tongue = { language: language.value, words: w.form };

  async function submit(event: TargetedSubmitEvent<HTMLFormElement>) {
    event.preventDefault();
    if (form.isBusy.value) return;
    const made = await form.send(api, tongue);
    if (made !== undefined) onUploaded(made, form.domain.value.trim() !== "");
    // Behind the next rendering, which says what is wrong.
    else requestAnimationFrame(() => firstWrong(place.current)?.focus());
  }

  function take(files: readonly File[], part: PartName) {
    void form.take(files, part, tongue);
  }

  const isOver = useFileDrop((files) => take(files, form.kind.value === "pem" ? "certificate" : "pkcs12"));

  return (
    <Dialog title={w.upload} onClose={onClose}>
      <form
        ref={place}
        class={isOver.value ? "form over" : "form"}
        autocomplete="off"
        noValidate
        onSubmit={(event) => void submit(event)}
      >
        <p class="soft">{isOver.value ? w.form.drop : w.form.intro}</p>
        {!window.isSecureContext && (
          <p class="notice caution">
            <StateShape shape="half" />
            <span>{w.form.inTheClear}</span>
          </p>
        )}
        <Refusal form={form} />
        <Choice
          legend={w.form.kind}
          value={form.kind.value}
          options={(["pem", "pkcs12"] as const).map((value) => ({ value, label: w.form.kinds[value] }))}
          onChoose={(kind) => {
            form.kind.value = kind;
          }}
        />
        {form.kind.value === "pem" ? (
          <>
            <PartField form={form} part="certificate" onChoose={take} />
            <PartField form={form} part="privateKey" onChoose={take} />
          </>
        ) : (
          <PartField form={form} part="pkcs12" onChoose={take} />
        )}
        <Particulars form={form} overview={overview} />
        <div class="row actions">
          <button type="submit" class="button primary" aria-busy={form.isBusy.value}>
            {form.isBusy.value ? w.form.submitting : w.form.submit}
          </button>
          <button type="button" class="button" onClick={onClose}>
            {w.form.cancel}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

/** What is to be read first; what belongs to a field stands there. */
function Refusal({ form }: { readonly form: UploadForm }) {
  const w = words.value.ofCertificates.form;
  const ofForm = form.problems.value.form ?? [];
  if (form.error.value !== undefined) return <Problem error={form.error.value} />;
  if (!form.isRefused.value || form.isBusy.value) return null;

  return (
    <div class="problem" role="alert">
      <p>
        <strong>{w.refused}</strong>
      </p>
      {ofForm.map((problem) => (
        <p key={problem}>{problem}</p>
      ))}
    </div>
  );
}

/** What goes with a certificate, however it was brought. */
function Particulars({
  form,
  overview,
}: {
  readonly form: UploadForm;
  readonly overview: CertificateOverview;
}) {
  const w = words.value.ofCertificates.form;
  const problems = form.problems.value;
  const pool = form.pool.value.trim();
  const replaced = overview.certificates.find((each) => (each.pool ?? "") === pool);
  const domain = form.domain.value
    .trim()
    .toLowerCase()
    .replace(/^\*?\./, "");

  return (
    <>
      <FormField label={w.passphrase} hint={w.passphraseHint} problems={problems.passphrase}>
        {(control) => (
          <input
            {...control}
            type="password"
            class="field"
            autocomplete="off"
            value={form.passphrase.value}
            onInput={(event) => {
              form.passphrase.value = event.currentTarget.value;
              form.changed("passphrase");
            }}
          />
        )}
      </FormField>
      <FormField
        label={w.pool}
        hint={
          <>
            {w.poolHint}{" "}
            {replaced !== undefined &&
              (replaced.source === "acme" ? w.byAcme : w.replaces(namesText(replaced.names)))}
          </>
        }
        problems={problems.pool}
      >
        {(control) => (
          <>
            <input
              {...control}
              class="field"
              list="certificate-pools"
              autocapitalize="off"
              spellcheck={false}
              value={form.pool.value}
              onInput={(event) => {
                form.pool.value = event.currentTarget.value;
                form.changed("pool");
              }}
            />
            <datalist id="certificate-pools">
              {poolsOf(overview).map((each) => (
                <option key={each} value={each} />
              ))}
            </datalist>
          </>
        )}
      </FormField>
      <FormField
        label={w.domain}
        hint={
          <>
            {w.domainHint} {domain !== "" && w.domainBecomes(domain)}
            {domain === "" && overview.domain !== "" && w.domainStays(overview.domain)}
          </>
        }
        problems={problems.domain}
      >
        {(control) => (
          <input
            {...control}
            class="field"
            inputMode="url"
            autocapitalize="off"
            spellcheck={false}
            value={form.domain.value}
            onInput={(event) => {
              form.domain.value = event.currentTarget.value;
              form.changed("domain");
            }}
          />
        )}
      </FormField>
    </>
  );
}

/** Where the keyboard is to go on: the control of the first field that something is wrong with. */
function firstWrong(form: HTMLFormElement | null): HTMLElement | null {
  return form?.querySelector<HTMLElement>("[aria-invalid=true]") ?? null;
}
