import { useSignal } from "@preact/signals";
import { useId, useMemo, useRef } from "preact/hooks";
import type { WaitingMachine } from "#wire/hypervisors.ts";
import { type Language, language } from "../../ui/language.ts";
import type { Api, PartOf } from "../api.ts";
import { type Column, DataTable } from "../data-table.tsx";
import { FilterField } from "../filter-field.tsx";
import type { Loaded } from "../loaded.ts";
import { MachineCount } from "../machine-count.tsx";
import { filterMachines } from "../machine-filter.ts";
import { Problem } from "../problem.tsx";
import { useSearch } from "../search.ts";
import { byText } from "../sorting.ts";
import { number, words } from "../words.ts";
import { AssignDialog } from "./assign-dialog.tsx";
import type { HypervisorOverview } from "./hypervisors-page.tsx";

const limits = { refreshMs: 10_000 } as const;

interface WaitingMachinesProps {
  readonly api: Api;
  readonly list: Loaded<PartOf<WaitingMachine>>;
  readonly overview: HypervisorOverview;
  readonly onAssigned: (count: number, project: string) => void;
}

/** Machines that no rule put into a project. Some are chosen, and put into one together. */
export function WaitingMachines({ api, list, overview, onAssigned }: WaitingMachinesProps) {
  const heading = useId();
  const title = useRef<HTMLHeadingElement>(null);
  const { filter, load } = useSearch({
    list,
    fetchPart: async (keyword) => await api.waitingMachines(keyword),
    refreshMs: limits.refreshMs,
  });
  const chosen = useSignal<ReadonlySet<string>>(new Set());
  const assigning = useSignal<readonly WaitingMachine[]>([]);
  const data = list.data.value;
  const error = list.error.value;
  const found = useMemo(() => filterMachines(data?.items ?? [], filter.value), [data, filter.value]);
  // Those alone that are in sight: nobody assigns what a filter hides.
  const picked = found.filter(({ id }) => chosen.value.has(id));
  const w = words.value.ofHypervisors;

  function choose(machines: readonly WaitingMachine[], isChosen: boolean) {
    const next = new Set(chosen.value);
    for (const { id } of machines) {
      if (isChosen) next.add(id);
      else next.delete(id);
    }
    chosen.value = next;
  }

  return (
    <section class="part" aria-labelledby={heading}>
      <div class="page-head">
        <h2 id={heading} ref={title} tabIndex={-1}>
          {w.waiting}
        </h2>
        {data !== undefined && data.items.length > 0 && (
          <>
            <MachineCount shown={found.length} all={data.items.length} />
            <FilterField
              label={w.filter}
              value={filter.value}
              onChange={(text) => {
                filter.value = text;
              }}
            />
          </>
        )}
      </div>
      {error !== undefined && <Problem error={error} onTryAgain={load} />}
      {data === undefined && error === undefined && <p class="soft">{words.value.loading}</p>}
      {data?.complete === false && <p class="soft">{words.value.incomplete(number(data.items.length))}</p>}
      {data !== undefined && found.length === 0 && (
        <NoneWaiting
          filter={filter.value.trim()}
          hasHypervisors={overview.hypervisors.length > 0}
          onClear={() => {
            filter.value = "";
          }}
        />
      )}
      {found.length > 0 && (
        <>
          <p class="soft">{w.waitingMeans}</p>
          <div class="row choosing">
            <label class="pick">
              <input
                type="checkbox"
                checked={picked.length === found.length}
                indeterminate={picked.length > 0 && picked.length < found.length}
                onChange={(event) => choose(found, event.currentTarget.checked)}
              />
              {w.chooseAll(number(found.length))}
            </label>
            <button
              type="button"
              class="button"
              disabled={picked.length === 0}
              onClick={() => {
                assigning.value = picked;
              }}
            >
              {w.assign(number(picked.length))}
            </button>
          </div>
          <WaitingTable machines={found} filter={filter.value} chosen={chosen.value} onChoose={choose} />
        </>
      )}
      {assigning.value.length > 0 && (
        <AssignDialog
          api={api}
          machines={assigning.value}
          projects={overview.projects}
          onAssigned={(count, project) => {
            assigning.value = [];
            chosen.value = new Set();
            onAssigned(count, project);
            load();
            // What was pressed is gone, or cannot be pressed without a choice.
            requestAnimationFrame(() => title.current?.focus());
          }}
          onClose={() => {
            assigning.value = [];
            load();
          }}
        />
      )}
    </section>
  );
}

function NoneWaiting({
  filter,
  hasHypervisors,
  onClear,
}: {
  readonly filter: string;
  readonly hasHypervisors: boolean;
  readonly onClear: () => void;
}) {
  const w = words.value;
  if (filter !== "")
    return (
      <div class="empty">
        <p>{w.noMatch(filter)}</p>
        <button type="button" class="button" onClick={onClear}>
          {w.clearFilter}
        </button>
      </div>
    );
  return <p class="soft">{hasHypervisors ? w.ofHypervisors.noneWaits : w.ofHypervisors.noneWaitsYet}</p>;
}

interface WaitingTableProps {
  readonly machines: readonly WaitingMachine[];
  readonly filter: string;
  readonly chosen: ReadonlySet<string>;
  readonly onChoose: (machines: readonly WaitingMachine[], isChosen: boolean) => void;
}

function WaitingTable({ machines, filter, chosen, onChoose }: WaitingTableProps) {
  const tongue = language.value;
  const columns = useMemo(() => waitingColumns(tongue, { chosen, onChoose }), [tongue, chosen]);

  return (
    <DataTable
      caption={words.value.ofHypervisors.waiting}
      columns={columns}
      rows={machines}
      rowId={({ id }) => id}
      initial={{ column: "name", descending: false }}
      choice={filter}
    />
  );
}

function waitingColumns(
  tongue: Language,
  { chosen, onChoose }: Pick<WaitingTableProps, "chosen" | "onChoose">,
): readonly Column<WaitingMachine>[] {
  const w = words.value.ofHypervisors;
  return [
    {
      id: "name",
      label: w.name,
      cell: (machine) => (
        <label class="pick">
          <input
            type="checkbox"
            checked={chosen.has(machine.id)}
            data-walkable
            onChange={(event) => onChoose([machine], event.currentTarget.checked)}
          />
          {machine.name}
        </label>
      ),
      compare: byText(({ name }) => name, tongue),
    },
    {
      id: "hypervisor",
      label: words.value.hypervisor,
      cell: ({ hypervisor }) => hypervisor.name,
      compare: byText(({ hypervisor }) => hypervisor.name, tongue),
    },
    {
      id: "state",
      label: w.state,
      cell: ({ power }) => w.powers[power],
      compare: byText(({ power }) => w.powers[power], tongue),
    },
    {
      id: "guest",
      label: w.guest,
      cell: ({ guest }) => guest !== "unknown" && w.guests[guest],
      compare: byText(({ guest }) => w.guests[guest], tongue),
      weight: "minor",
    },
    {
      id: "address",
      label: w.knownAs,
      cell: ({ address }) => <span class="mono">{address}</span>,
      compare: byText(({ address }) => address, tongue),
      weight: "extra",
    },
  ];
}
