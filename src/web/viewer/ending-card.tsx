import { useEffect, useRef } from "preact/hooks";
import { ERRORS, type ErrorCode } from "#wire/errors.ts";
import { printable } from "#wire/gateway-error.ts";
import type { Ending } from "#wire/viewer.ts";
import { Copyable } from "../ui/copyable.tsx";
import { errorText } from "../ui/error-texts.ts";
import { language } from "../ui/language.ts";
import type { ConsoleSession } from "./console-session.ts";
import { words } from "./words.ts";

/** Why the console is over, what to do, and the way on. */
export function EndingCard({
  ending,
  session,
}: {
  readonly ending: Ending;
  readonly session: ConsoleSession;
}) {
  const card = useRef<HTMLElement>(null);
  // Not onto the button: who is typing when the console ends must not press it unawares.
  useEffect(() => card.current?.focus(), []);
  const { meaning, remedy } = errorText(ending.code, language.value);
  const { openAgain, reference, copy, copied } = words.value;

  return (
    <section
      class="card"
      ref={card}
      tabIndex={-1}
      aria-labelledby="ending-meaning"
      aria-describedby="ending-remedy"
    >
      <h1 id="ending-meaning">{meaning}</h1>
      {ending.detail !== undefined && <p class="soft detail">{printable(ending.detail)}</p>}
      <p id="ending-remedy">{remedy}</p>
      {session.canOpenAgain.value && (
        <button
          type="button"
          class={isRemedy(ending.code) ? "button primary" : "button"}
          onClick={() => void session.openAgain()}
        >
          {openAgain}
        </button>
      )}
      <p class="small soft reference">
        {ending.reference === undefined ? (
          <code>{ending.code}</code>
        ) : (
          <>
            {reference}: <Copyable text={printable(ending.reference)} copy={copy} copied={copied} />
          </>
        )}
      </p>
    </section>
  );
}

/** Whether to open it again is what is to be done; after other endings somebody has something to mend first. */
function isRemedy(code: ErrorCode): boolean {
  return ERRORS[code].retryable || code.startsWith("ticket_");
}
