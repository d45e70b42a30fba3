import { language } from "../../ui/language.ts";
import { words } from "../words.ts";
import type { BroughtFile } from "./brought-files.ts";
import { type ControlProps, FormField } from "./form-field.tsx";
import { bytesText } from "./texts.ts";
import type { PartName, UploadForm } from "./upload-form.ts";

interface PartFieldProps {
  readonly form: UploadForm;
  readonly part: PartName;
  readonly onChoose: (files: readonly File[], part: PartName) => void;
}

/** A part of what is uploaded: files that were chosen or dropped, or, of PEM, its text. */
export function PartField({ form, part, onChoose }: PartFieldProps) {
  const w = words.value.ofCertificates.form;
  const files = form.files.value.filter((file) => file.part === part);
  const label = w[part];
  // What was typed goes with the files, so it stays in sight.
  const isText = part !== "pkcs12" && (files.length === 0 || form[part].value !== "");
  const chooser = (control: Partial<ControlProps> = {}) => (
    <FileButton
      label={files.length > 0 && part === "certificate" ? w.chooseMore : w.choose}
      of={label}
      several={part === "certificate"}
      control={control}
      onChoose={(chosen) => onChoose(chosen, part)}
    />
  );

  return (
    <FormField
      label={label}
      hint={w[`${part}Hint`]}
      problems={form.problems.value[part]}
      {...(isText ? { aside: chooser() } : {})}
    >
      {(control) => (
        <>
          {files.length > 0 && <Files files={files} form={form} />}
          {isText && (
            <textarea
              {...control}
              class="field mono"
              rows={3}
              spellcheck={false}
              autocomplete="off"
              placeholder={w.pasteHere}
              value={form[part].value}
              onInput={(event) => {
                form[part].value = event.currentTarget.value;
                form.changed(part);
              }}
            />
          )}
          {!isText && chooser(control)}
        </>
      )}
    </FormField>
  );
}

function Files({ files, form }: { readonly files: readonly BroughtFile[]; readonly form: UploadForm }) {
  const { takeOut } = words.value.ofCertificates.form;

  return (
    <ul class="files">
      {files.map((file) => (
        <li key={file.name}>
          <span class="mono">{file.name}</span>
          <span class="small soft">{bytesText(file.bytes, language.value)}</span>
          <button
            type="button"
            class="button plain take-out"
            aria-label={takeOut(file.name)}
            title={takeOut(file.name)}
            onClick={() => form.takeOut(file)}
          >
            ×
          </button>
        </li>
      ))}
    </ul>
  );
}

interface FileButtonProps {
  readonly label: string;
  /** Of which part, for those who do not see what it stands beside. */
  readonly of: string;
  readonly several: boolean;
  readonly control: Partial<ControlProps>;
  readonly onChoose: (files: readonly File[]) => void;
}

/** The browser's own control for files lies over a button of ours, and takes the presses and the keyboard. */
function FileButton({ label, of, several, control, onChoose }: FileButtonProps) {
  return (
    <span class="button file-button">
      {label}
      <input
        {...control}
        type="file"
        multiple={several}
        aria-label={`${of}: ${label}`}
        title={label}
        onChange={(event) => {
          const { currentTarget: input } = event;
          onChoose([...(input.files ?? [])]);
          // The same file can be chosen again once it was mended.
          input.value = "";
        }}
      />
    </span>
  );
}
