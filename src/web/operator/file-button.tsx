import type { Ref } from "preact";
import type { ControlProps } from "./form-field.tsx";

interface FileButtonProps {
  readonly label: string;
  /** Of which part, for those who do not see what it stands beside. */
  readonly of: string;
  readonly several?: boolean;
  readonly input?: Ref<HTMLInputElement>;
  readonly control: Partial<ControlProps>;
  readonly onChoose: (files: readonly File[]) => void;
}

/** The browser's own control for files lies over a button of ours, and takes the presses and the keyboard. */
export function FileButton({ label, of, several = false, input, control, onChoose }: FileButtonProps) {
  return (
    <span class="button file-button">
      {label}
      <input
        {...control}
        {...(input === undefined ? {} : { ref: input })}
        type="file"
        multiple={several}
        aria-label={`${of}: ${label}`}
        title={label}
        onChange={(event) => {
          const { currentTarget: chosen } = event;
          onChoose([...(chosen.files ?? [])]);
          // The same file can be chosen again once it was mended.
          chosen.value = "";
        }}
      />
    </span>
  );
}
