import type { TypingProgress } from "./typing.ts";
import { number, words } from "./words.ts";

/** How far the typing of a text has come, with the way to stop it. */
export function TypingStrip({ typing }: { readonly typing: TypingProgress | undefined }) {
  if (typing === undefined) return null;
  const { typing: text, cancel } = words.value;
  const label = text(number(typing.typed), number(typing.total));

  return (
    <div class="strip">
      <progress max={typing.total} value={typing.typed} aria-label={label} />
      <span>{label}</span>
      <button type="button" class="button" onClick={typing.cancel}>
        {cancel}
      </button>
    </div>
  );
}
