import type { ErrorCode } from "#wire/errors.ts";
import { errorText } from "../ui/error-texts.ts";
import { language } from "../ui/language.ts";
import type { ConsoleSession } from "./console-session.ts";
import { words } from "./words.ts";

/** The picture stands still: its machine has closed the console, and the hypervisor is being asked why. */
export function ClosingStrip({ session }: { readonly session: ConsoleSession }) {
  const code = session.closing.value;
  return code === undefined ? null : (
    <div class="strip notice">
      <span>{closingText(code)}</span>
    </div>
  );
}

export function closingText(code: ErrorCode): string {
  return `${errorText(code, language.value).meaning} ${words.value.askingWhy}`;
}
