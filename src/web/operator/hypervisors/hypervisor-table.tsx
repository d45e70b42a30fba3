import { useId, useMemo } from "preact/hooks";
import { DEFAULT_POOL } from "#wire/api.ts";
import { HYPERVISOR_STEPS, type Hypervisor } from "#wire/hypervisors.ts";
import { StateShape } from "../../ui/icons.tsx";
import { type Language, language } from "../../ui/language.ts";
import { exactTime, relativeTime } from "../../ui/relative-time.ts";
import { Command } from "../command.tsx";
import { type Column, DataTable } from "../data-table.tsx";
import { byText } from "../sorting.ts";
import { number, words } from "../words.ts";

interface HypervisorTableProps {
  readonly hypervisors: readonly Hypervisor[];
  /** The one that is tried just now. */
  readonly testing: string | undefined;
  readonly onTest: (hypervisor: Hypervisor) => void;
  readonly onChange: (hypervisor: Hypervisor) => void;
  readonly onRemove: (hypervisor: Hypervisor) => void;
}

/** Each with whether control hears from it, and how many machines it has. */
export function HypervisorTable(props: HypervisorTableProps) {
  const { hypervisors, testing } = props;
  const tongue = language.value;
  const heading = useId();
  const w = words.value.ofHypervisors;
  const columns = useMemo(() => columnsOf(props, tongue), [hypervisors, testing, tongue]);

  return (
    <section class="part" aria-labelledby={heading}>
      <h2 id={heading}>{w.known}</h2>
      {hypervisors.length === 0 ? (
        <div class="empty">
          <p>{w.none}</p>
          <p class="soft">{w.noneHow}</p>
          <Command line="npm run -s porthole -- hypervisor add NAME --address qemu+tls://HOST/system" />
        </div>
      ) : (
        <DataTable
          caption={w.known}
          columns={columns}
          rows={hypervisors}
          rowId={({ id }) => id}
          initial={{ column: "name", descending: false }}
        />
      )}
    </section>
  );
}

function columnsOf(
  { testing, onTest, onChange, onRemove }: HypervisorTableProps,
  tongue: Language,
): readonly Column<Hypervisor>[] {
  const w = words.value.ofHypervisors;
  return [
    {
      id: "name",
      label: w.name,
      cell: ({ name, address, machines, waiting }) => (
        <>
          {name}
          <span class="narrow-only soft">
            {w.machines}: {w.machineCount(number(machines), number(waiting))}
          </span>
          <span class="medium-only soft mono">{address}</span>
        </>
      ),
      compare: byText(({ name }) => name, tongue),
    },
    {
      id: "address",
      label: w.address,
      cell: ({ address, readOnly, platform, pool }) => (
        <>
          <span class="mono address">{address}</span>
          <span class="soft small platform">
            {w.platforms[platform]}
            {readOnly && ` · ${w.readOnly}`}
            {pool !== DEFAULT_POOL && ` · ${w.poolOf(pool)}`}
          </span>
        </>
      ),
      compare: byText(({ address }) => address, tongue),
      weight: "extra",
    },
    {
      id: "state",
      label: w.state,
      cell: (hypervisor) => <Standing hypervisor={hypervisor} tongue={tongue} />,
      compare: byText(({ state }) => w.states[state ?? "new"], tongue),
    },
    {
      id: "machines",
      label: w.machines,
      cell: ({ machines, waiting }) => w.machineCount(number(machines), number(waiting)),
      compare: (a, b) => a.machines + a.waiting - b.machines - b.waiting,
      weight: "minor",
    },
    {
      id: "rules",
      label: w.rules,
      cell: ({ rules }) => <Rules rules={rules} />,
      weight: "extra",
    },
    {
      id: "actions",
      label: w.actions,
      cell: (hypervisor) => (
        <span class="row-actions">
          <button
            type="button"
            class="link-button"
            aria-label={w.testOf(hypervisor.name)}
            aria-busy={testing === hypervisor.id}
            data-walkable
            onClick={() => onTest(hypervisor)}
          >
            {w.test}
          </button>
          <button
            type="button"
            class="link-button"
            aria-label={w.changeOf(hypervisor.name)}
            onClick={() => onChange(hypervisor)}
          >
            {w.change}
          </button>
          <button
            type="button"
            class="link-button"
            aria-label={w.removeOf(hypervisor.name)}
            onClick={() => onRemove(hypervisor)}
          >
            {w.remove}
          </button>
        </span>
      ),
    },
  ];
}

const LOOKS = {
  up: { shape: "full", look: "good" },
  down: { shape: "struck", look: "bad" },
  new: { shape: "half", look: "idle" },
} as const;

/** Whether control hears from it, since when, and why not. */
function Standing({ hypervisor, tongue }: { readonly hypervisor: Hypervisor; readonly tongue: Language }) {
  const { state = "new", stateSince, problem } = hypervisor;
  const { shape, look } = LOOKS[state];
  const since = stateSince === undefined ? undefined : new Date(stateSince);

  return (
    <>
      <span class={`state ${look}`}>
        <StateShape shape={shape} />
        {words.value.ofHypervisors.states[state]}
      </span>
      {since !== undefined && (
        <time class="soft small standing" dateTime={since.toISOString()} title={exactTime(since, tongue)}>
          {relativeTime(since, new Date(), tongue)}
        </time>
      )}
      {problem !== undefined && <span class="said small">{problemText(problem)}</span>}
    </>
  );
}

/** Control keeps the step's name before what was said there. */
function problemText(problem: string): string {
  const step = HYPERVISOR_STEPS.find((each) => problem.startsWith(`${each}: `));
  if (step === undefined) return problem;
  const w = words.value.ofHypervisors;
  return w.failsAt(w.steps[step].word, problem.slice(step.length + ": ".length));
}

function Rules({ rules }: { readonly rules: Hypervisor["rules"] }) {
  const w = words.value.ofHypervisors;
  const hasAll = rules.some(({ name }) => name === "*");
  const everyOther = rules.length === 1 ? w.form.all : w.allOthers;

  return (
    <ul class="rules">
      {rules.map(({ name, project }) => (
        <li key={name}>
          {name === "*" ? everyOther : <span class="mono">{name}</span>} → {project}
        </li>
      ))}
      {!hasAll && <li class="soft">{rules.length === 0 ? w.allWait : w.othersWait}</li>}
    </ul>
  );
}
