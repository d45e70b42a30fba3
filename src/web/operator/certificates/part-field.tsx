import type { Ref } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { language } from "../../ui/language.ts";
import { FileButton } from "../file-button.tsx";
import { type ControlProps, FormField } from "../form-field.tsx";
import { words } from "../words.ts";
import type { BroughtFile } from "./brought-files.ts";
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
  const fileInput = useKeyboardKept(files.length);
  const chooser = (control: Partial<ControlProps>) => (
    <FileButton
      input={fileInput}
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
      // Beside a text it is described as that is; the label, and the keyboard where something is wrong, are the text's.
      {...(isText
        ? { aside: ({ "aria-describedby": about }) => chooser({ "aria-describedby": about }) }
        : {})}
    >
      {(control) => (
        <>
          <Files files={files} form={form} />
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

/**
 * Files that come and go take what was pressed with them: the button beside a file, and the chooser, which changes its place.
 * Where nothing has the keyboard then, the chooser gets it, and nobody has to go through the dialog anew.
 */
function useKeyboardKept(count: number): Ref<HTMLInputElement> {
  const input = useRef<HTMLInputElement>(null);
  const before = useRef(0);
  useEffect(() => {
    if (before.current !== count && document.activeElement === document.body) input.current?.focus();
    before.current = count;
  }, [count]);
  return input;
}

/** There before it has something to say: only then is it heard by those who do not see it. */
function Files({ files, form }: { readonly files: readonly BroughtFile[]; readonly form: UploadForm }) {
  const { takeOut } = words.value.ofCertificates.form;

  return (
    <ul class="files" aria-live="polite">
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
