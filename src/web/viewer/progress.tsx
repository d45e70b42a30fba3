import { useEffect, useState } from "preact/hooks";
import { StateShape } from "../ui/icons.tsx";
import type { Step } from "./console-session.ts";
import { words } from "./words.ts";

const STEPS: readonly Step[] = ["reaching", "dialling", "signing-in", "picture"];
const SLOW_AFTER_MS = 8_000;

/** What is happening on the way to the picture, in words. */
export function Progress({ step }: { readonly step: Step }) {
  const [slow, setSlow] = useState(false);
  // Joining is over in a moment, and to a person it is already the wait for the picture.
  const now = STEPS.indexOf(step === "attaching" ? "picture" : step);
  useEffect(() => {
    setSlow(false);
    const timer = setTimeout(() => setSlow(true), SLOW_AFTER_MS);
    return () => clearTimeout(timer);
  }, [now]);
  const { steps, done, stepNow, stepLater, slow: slowWords } = words.value;

  return (
    <section class="card">
      <ol class="steps">
        {STEPS.map((name, index) => (
          <li
            key={name}
            class={index === now ? "now" : "soft"}
            aria-current={index === now ? "step" : undefined}
          >
            <StateShape shape={index < now ? "full" : index === now ? "half" : "empty"} />
            <span>
              {steps[name]}
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
