import { useEffect } from "preact/hooks";
import type { FindingResult } from "#wire/findings.ts";
import { type CheckLine, shownFacts } from "#wire/self-check.ts";
import { type Shape, StateShape } from "../../ui/icons.tsx";
import { language } from "../../ui/language.ts";
import { exactTime } from "../../ui/relative-time.ts";
import { Command } from "../command.tsx";
import { Problem } from "../problem.tsx";
import { number, words } from "../words.ts";
import { checkText, factText, findingText } from "./check-texts.ts";
import { type Found, type SelfCheckRun, SIDES, type Side } from "./self-check-run.ts";

/** Why consoles do not open, and what to do: looked at when somebody comes here, and again when asked to. */
export function SelfCheckPage({ run }: { readonly run: SelfCheckRun }) {
  const w = words.value;
  const isRunning = run.isRunning.value;
  const lines = SIDES.flatMap((side) => run.sides[side].value.lines);
  const count = (wanted: FindingResult) => number(lines.filter(({ result }) => result === wanted).length);
  useEffect(() => {
    if (lines.length === 0) void run.start();
  }, [run]);

  return (
    <main class="page checks">
      <header class="page-head">
        <h1>{w.doctor}</h1>
        <p class="soft" role="status">
          {isRunning ? w.checking : w.checked(count("failed"), count("warning"), count("ok"))}
        </p>
        <button
          type="button"
          class="button check-again"
          disabled={isRunning}
          onClick={() => void run.start()}
        >
          {w.checkAgain}
        </button>
      </header>
      <p class="soft">{w.checkMeans}</p>
      {SIDES.map((side) => (
        <CheckSide key={side} side={side} found={run.sides[side].value} />
      ))}
      <section class="check-further">
        <p class="soft">{w.checkFurther}</p>
        <Command line="npm run -s porthole -- doctor" />
      </section>
    </main>
  );
}

/** What needs somebody first. */
const ORDER: Readonly<Record<FindingResult, number>> = { failed: 0, warning: 1, ok: 2, skipped: 3 };

function CheckSide({ side, found }: { readonly side: Side; readonly found: Found }) {
  const { lines, isLooking, error } = found;
  const id = `check-${side}`;
  const factsOf = shownFacts(lines);
  const sorted = lines.toSorted((a, b) => ORDER[a.result] - ORDER[b.result]);

  return (
    <section aria-labelledby={id} aria-busy={isLooking} class="check-side">
      <h2 id={id}>{words.value.checkSides[side]}</h2>
      {error !== undefined && <Problem error={error} />}
      {lines.length > 0 && (
        <ul class="check-lines">
          {sorted.map((line) => (
            <Line
              key={`${line.check} ${line.subject} ${line.nodeId} ${line.finding}`}
              line={line}
              facts={factsOf(line)}
            />
          ))}
        </ul>
      )}
      {isLooking && <p class="soft">{words.value.checking}</p>}
    </section>
  );
}

const LOOKS: Readonly<Record<FindingResult, { readonly shape: Shape; readonly look: string }>> = {
  ok: { shape: "full", look: "good" },
  warning: { shape: "half", look: "caution" },
  failed: { shape: "struck", look: "bad" },
  skipped: { shape: "empty", look: "idle" },
};

function Line({
  line,
  facts,
}: {
  readonly line: CheckLine;
  readonly facts: readonly (readonly [name: string, value: string])[];
}) {
  const w = words.value;
  const { shape, look } = LOOKS[line.result];
  const { message, remedy } = findingText(line, language.value);
  const isFine = line.result === "ok";

  return (
    <li class={`check ${line.result}`}>
      <span class={`state ${look}`}>
        <StateShape shape={shape} />
        {w.checkResults[line.result]}
      </span>
      <div class="check-text">
        <h3>
          {checkText(line.check, language.value)}
          {line.subject !== undefined && <span class="mono check-subject"> {line.subject}</span>}
        </h3>
        {!isFine && <p>{message}</p>}
        {!isFine && remedy !== undefined && (
          <p>
            <span class="soft">{w.whatToDo}</span> {remedy}
          </p>
        )}
        {facts.length > 0 && (
          <dl class="facts small soft">
            {facts.map(([name, value]) => (
              <div key={name}>
                <dt>{factText(name, language.value)}</dt>
                <dd class="mono">
                  <Fact value={value} />
                </dd>
              </div>
            ))}
          </dl>
        )}
      </div>
    </li>
  );
}

/** A time as people here read it, and anything else as it is. */
function Fact({ value }: { readonly value: string }) {
  if (!/^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(value)) return value;
  return <time dateTime={value}>{exactTime(new Date(value), language.value)}</time>;
}
