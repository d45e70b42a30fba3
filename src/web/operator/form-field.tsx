import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import { StateShape } from "../ui/icons.tsx";

/** What a control in a field says of itself to those who do not see the field. */
export interface ControlProps {
  readonly id: string;
  readonly "aria-describedby": string;
  readonly "aria-invalid": boolean;
}

interface FormFieldProps {
  readonly label: string;
  readonly hint?: ComponentChildren;
  readonly problems: readonly string[] | undefined;
  /** Beside the label: another control of the same. */
  readonly aside?: (control: ControlProps) => ComponentChildren;
  readonly children: (control: ControlProps) => ComponentChildren;
}

/** A label, what is to be known of it, the control, and what is wrong with what is in it. */
export function FormField({ label, hint, problems = [], aside, children }: FormFieldProps) {
  const id = useId();
  const [hintId, problemsId] = [`${id}-hint`, `${id}-problems`];
  const control = {
    id,
    "aria-describedby": `${problemsId} ${hintId}`,
    "aria-invalid": problems.length > 0,
  };

  return (
    <div class="form-field" data-invalid={problems.length > 0 || undefined}>
      <div class="form-label">
        <label for={id}>{label}</label>
        {aside?.(control)}
      </div>
      <div id={hintId} class="small soft">
        {hint}
      </div>
      {children(control)}
      <ul id={problemsId} class="field-problems" aria-live="polite">
        {problems.map((problem) => (
          <li key={problem}>
            <StateShape shape="struck" />
            <span>{problem}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}
