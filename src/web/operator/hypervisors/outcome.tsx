import type { Hypervisor, HypervisorTest } from "#wire/hypervisors.ts";
import { StateShape } from "../../ui/icons.tsx";
import { Command } from "../command.tsx";
import { number, words } from "../words.ts";
import { silentText } from "./silent-text.ts";

/** What was done last. */
export type Done =
  | { readonly kind: "testing" | "removed"; readonly hypervisor: Hypervisor }
  | { readonly kind: "tested"; readonly hypervisor: Hypervisor; readonly result: HypervisorTest }
  | { readonly kind: "assigned"; readonly count: number; readonly project: string };

/** Says it, for the page's live region. */
export function Outcome({ done }: { readonly done: Done }) {
  const w = words.value.ofHypervisors;
  switch (done.kind) {
    case "testing":
      return <p class="notice idle">{w.testing(done.hypervisor.name)}</p>;
    case "tested":
      return <TestResult {...done} />;
    case "removed":
      return <p class="notice idle">{w.removed(done.hypervisor.name)}</p>;
    case "assigned":
      return <p class="notice good">{w.assigned(number(done.count), done.project)}</p>;
    default:
      return done satisfies never;
  }
}

function TestResult({
  hypervisor: { name },
  result: { ok, failedStep = "answer", detail, machines = 0, silent = [], outside },
}: {
  readonly hypervisor: Hypervisor;
  readonly result: HypervisorTest;
}) {
  const w = words.value.ofHypervisors;
  if (ok && silent.length === 0 && outside === undefined)
    return <p class="notice good">{w.answers(name, number(machines))}</p>;
  if (ok)
    return (
      <div class="notice caution">
        <StateShape shape="half" />
        <div class="stack">
          <p>
            {w.answers(name, number(machines))} {silent.length > 0 && silentText(silent)}
          </p>
          {outside !== undefined && (
            <>
              <p>{w.streamsOutside(outside)}</p>
              <Command line={`npm run -s porthole -- setting add upstream.allow ${outside}`} />
            </>
          )}
        </div>
      </div>
    );
  const { word, remedy } = w.steps[failedStep];

  return (
    <div class="notice bad">
      <StateShape shape="struck" />
      <div>
        <p>
          <strong>{w.fails(name, word)}</strong> {detail !== undefined && <span class="said">{detail}</span>}
        </p>
        <p>{remedy}</p>
      </div>
    </div>
  );
}
