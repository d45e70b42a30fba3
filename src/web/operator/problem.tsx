import { Copyable } from "../ui/copyable.tsx";
import { errorText } from "../ui/error-texts.ts";
import { language } from "../ui/language.ts";
import type { ApiError } from "./api.ts";
import { words } from "./words.ts";

interface ProblemProps {
  readonly error: ApiError;
  readonly onTryAgain?: () => void;
}

/** An error where it happened, in the catalogue's words. */
export function Problem({ error, onTryAgain }: ProblemProps) {
  const w = words.value;
  const { meaning, remedy } = error.code === "no_answer" ? w.noAnswer : errorText(error.code, language.value);

  return (
    <div class="problem" role="alert">
      <p>
        <strong>{meaning}</strong>
        {error.detail !== undefined && <span class="soft"> ({error.detail})</span>}
      </p>
      <p>{remedy}</p>
      {error.reference !== undefined && (
        <p class="small soft">
          {w.reference}: <Copyable text={error.reference} copy={w.copy} copied={w.copied} />
        </p>
      )}
      {onTryAgain !== undefined && (
        <button type="button" class="button" onClick={onTryAgain}>
          {w.tryAgain}
        </button>
      )}
    </div>
  );
}
