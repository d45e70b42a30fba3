import { useEffect, useState } from "preact/hooks";
import { StateShape } from "../ui/icons.tsx";
import type { Step } from "./console-session.ts";
import { words } from "./words.ts";

/** Nobody signs in to a line. */
const STEPS: Readonly<Record<ProgressProps["last"], readonly Step[]>> = {
  attaching: ["reaching", "dialling", "attaching"],
  picture: ["reaching", "dialling", "signing-in", "picture"],
};
const SLOW_AFTER_MS = 8_000;

/** What stands in place of a step that has not begun, or is over in a moment: to a person that is already the wait for what is to be seen. */
function shownAt(step: Step, last: Step): Step {
  if (step === "waiting") return "dialling";
  return step === "attaching" || step === "picture" ? last : step;
}

interface ProgressProps {
  readonly step: Step;
  /** What is waited for at last. */
  readonly last: "attaching" | "picture";
}

/** What is happening on the way to the console, in words. */
export function Progress({ step, last }: ProgressProps) {
  const [slow, setSlow] = useState(false);
  const all = STEPS[last];
  const now = all.indexOf(shownAt(step, last));
  useEffect(() => {
    setSlow(false);
    const timer = setTimeout(() => setSlow(true), SLOW_AFTER_MS);
    return () => clearTimeout(timer);
  }, [now]);
  const { steps, done, stepNow, stepLater, slow: slowWords } = words.value;

  return (
    <section class="card">
      <ol class="steps">
        {all.map((name, index) => (
          <li
            key={name}
            class={index === now ? "now" : "soft"}
            aria-current={index === now ? "step" : undefined}
          >
            <StateShape shape={index < now ? "full" : index === now ? "half" : "empty"} />
            <span>
              {steps[index === now && step === "waiting" ? step : name]}
              <span class="visually-hidden">
                , {index < now ? done : index === now ? stepNow : stepLater}
              </span>
            </span>
          </li>
        ))}
      </ol>
      {slow && <p class="soft small">{slowWords}</p>}
    </section>
  );
}
