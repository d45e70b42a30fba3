import type { Signal } from "@preact/signals";
import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { language } from "../../ui/language.ts";
import { limits } from "../certificates/brought-files.ts";
import { bytesText } from "../certificates/texts.ts";
import { FileButton } from "../file-button.tsx";
import { FormField } from "../form-field.tsx";
import { words } from "../words.ts";

interface TextFieldProps {
  readonly label: string;
  readonly hint?: ComponentChildren;
  readonly text: Signal<string>;
  readonly problems?: readonly string[];
  readonly placeholder?: string;
  /** Of identifiers and addresses. */
  readonly isMono?: boolean;
  /** What may be meant. */
  readonly suggestions?: readonly string[];
  readonly onWrite?: (text: string) => void;
}

/** One line. */
export function LineField({
  label,
  hint,
  text,
  problems,
  placeholder,
  isMono = false,
  suggestions = [],
  onWrite,
}: TextFieldProps) {
  return (
    <FormField label={label} hint={hint} problems={problems}>
      {(control) => (
        <>
          <input
            {...control}
            class={isMono ? "field mono" : "field"}
            list={suggestions.length === 0 ? undefined : `${control.id}-list`}
            autocapitalize="off"
            autocomplete="off"
            spellcheck={false}
            placeholder={placeholder}
            value={text.value}
            onInput={({ currentTarget: { value } }) => {
              text.value = value;
              onWrite?.(value);
            }}
          />
          {suggestions.length > 0 && (
            <datalist id={`${control.id}-list`}>
              {suggestions.map((each) => (
                <option key={each} value={each} />
              ))}
            </datalist>
          )}
        </>
      )}
    </FormField>
  );
}

/** Text that mostly is in a file: pasted, or read from one. Nothing of it leaves the page before the form does. */
export function FileTextField({
  label,
  hint,
  text,
  isSecret = false,
}: TextFieldProps & { readonly isSecret?: boolean }) {
  const refused = useSignal<readonly string[]>([]);
  const w = words.value.ofHypervisors.form;

  async function take([file]: readonly File[]) {
    if (file === undefined) return;
    const { size, name } = file;
    if (size > limits.fileBytes) {
      refused.value = [w.tooLarge(name, bytesText(size, language.value))];
      return;
    }
    const read = await file.text().catch(() => undefined);
    refused.value = read === undefined ? [w.unreadable(name)] : [];
    if (read !== undefined) text.value = read;
  }

  return (
    <FormField
      label={label}
      hint={hint}
      problems={refused.value}
      aside={({ "aria-describedby": about }) => (
        <FileButton
          label={w.choose}
          of={label}
          control={{ "aria-describedby": about }}
          onChoose={(files) => void take(files)}
        />
      )}
    >
      {(control) =>
        isSecret ? (
          <input
            {...control}
            type="password"
            class="field mono"
            autocomplete="off"
            value={text.value}
            onInput={(event) => {
              text.value = event.currentTarget.value;
            }}
          />
        ) : (
          <textarea
            {...control}
            class="field mono"
            rows={2}
            autocomplete="off"
            spellcheck={false}
            placeholder={w.pasteHere}
            value={text.value}
            onInput={(event) => {
              text.value = event.currentTarget.value;
            }}
          />
        )
      }
    </FormField>
  );
}
