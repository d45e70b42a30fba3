import { useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import type { Account, Machine } from "#wire/api.ts";
import { ConsoleIcon, StateShape } from "../ui/icons.tsx";
import { language } from "../ui/language.ts";
import type { Api, MachineList } from "./api.ts";
import { Command } from "./command.tsx";
import { type Column, DataTable } from "./data-table.tsx";
import type { Loaded } from "./loaded.ts";
import { filterMachines } from "./machine-filter.ts";
import { Problem } from "./problem.tsx";
import { useRefresh } from "./refresh.ts";
import { byText } from "./sorting.ts";
import { number, words } from "./words.ts";

const limits = {
  refreshMs: 20_000,
  /** Between two letters of a filter that control has to look for. */
  searchMs: 300,
} as const;

interface MachinesPageProps {
  readonly api: Api;
  readonly account: Account;
  readonly list: Loaded<MachineList>;
}

/** The caller's machines, with their consoles. */
export function MachinesPage({ api, account, list }: MachinesPageProps) {
  const filter = useSignal("");
  // Where not all machines are here, control looks for the filter's words as well.
  const keyword = useSignal("");
  const load = () => void list.load(() => api.machines(keyword.peek()));
  useRefresh(load, limits.refreshMs);
  const data = list.data.value;
  const error = list.error.value;
  const isPart = data !== undefined && (!data.complete || keyword.value !== "");
  useEffect(() => {
    if (!isPart || filter.value.trim() === keyword.value) return;
    const timer = setTimeout(() => {
      keyword.value = filter.value.trim();
      load();
    }, limits.searchMs);
    return () => clearTimeout(timer);
  }, [filter.value, isPart]);

  const found = useMemo(() => filterMachines(data?.machines ?? [], filter.value), [data, filter.value]);
  const w = words.value;

  return (
    <main class="page">
      <header class="page-head">
        <h1>{w.machines}</h1>
        {data !== undefined && <Count shown={found.length} all={data.machines.length} />}
        <FilterField
          value={filter.value}
          onChange={(text) => {
            filter.value = text;
          }}
        />
      </header>
      {error !== undefined && <Problem error={error} onTryAgain={load} />}
      {data === undefined && error === undefined && <p class="soft">{w.loading}</p>}
      {data?.complete === false && <p class="soft">{w.incomplete(number(data.machines.length))}</p>}
      {data !== undefined && found.length > 0 && <MachineTable machines={found} filter={filter.value} />}
      {data !== undefined &&
        found.length === 0 &&
        (filter.value.trim() === "" ? (
          <NoMachines account={account} />
        ) : (
          <div class="empty">
            <p>{w.noMatch(filter.value.trim())}</p>
            <button
              type="button"
              class="button"
              onClick={() => {
                filter.value = "";
              }}
            >
              {w.clearFilter}
            </button>
          </div>
        ))}
    </main>
  );
}

function Count({ shown, all }: { readonly shown: number; readonly all: number }) {
  const w = words.value;
  const whole = all === 1 ? w.oneMachine : w.countMachines(number(all));
  return (
    <p class="soft" role="status">
      {shown === all ? whole : w.shownOf(number(shown), whole)}
    </p>
  );
}

function FilterField({
  value,
  onChange,
}: {
  readonly value: string;
  readonly onChange: (text: string) => void;
}) {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const toField = (event: KeyboardEvent) => {
      const typing = event.target instanceof Element && event.target.matches("input, textarea, select");
      if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      field.current?.focus();
    };
    document.addEventListener("keydown", toField);
    return () => document.removeEventListener("keydown", toField);
  }, []);
  const { filterMachines: label, filterHint } = words.value;

  return (
    <input
      ref={field}
      type="search"
      class="field filter"
      aria-label={label}
      placeholder={label}
      title={filterHint}
      value={value}
      onInput={(event) => onChange(event.currentTarget.value)}
      onKeyDown={(event) => {
        if (event.key !== "ArrowDown") return;
        event.preventDefault();
        document.querySelector<HTMLElement>("[data-walkable]")?.focus();
      }}
    />
  );
}

function MachineTable({
  machines,
  filter,
}: {
  readonly machines: readonly Machine[];
  readonly filter: string;
}) {
  const tongue = language.value;
  const columns = useMemo(() => machineColumns(tongue), [tongue]);

  return (
    <DataTable
      caption={words.value.machines}
      columns={columns}
      rows={machines}
      rowId={({ id }) => id}
      initial={{ column: "name", descending: false }}
      choice={filter}
    />
  );
}

function machineColumns(tongue: string): readonly Column<Machine>[] {
  const w = words.value;
  return [
    {
      id: "name",
      label: w.name,
      cell: ({ name, project }) => (
        <>
          {name}
          <span class="narrow-only soft">{project}</span>
        </>
      ),
      compare: byText(({ name }) => name, tongue),
    },
    {
      id: "project",
      label: w.project,
      cell: ({ project }) => project,
      compare: byText(({ project }) => project, tongue),
      weight: "minor",
    },
    {
      id: "protocol",
      label: w.protocol,
      cell: ({ protocol }) => w.protocols[protocol],
      compare: byText(({ protocol }) => w.protocols[protocol], tongue),
      weight: "minor",
    },
    {
      id: "state",
      label: w.state,
      cell: ({ state }) => (
        <span class={`state ${state === "running" ? "good" : "idle"}`}>
          <StateShape shape={state === "running" ? "full" : "empty"} />
          {w.machineStates[state]}
        </span>
      ),
      compare: byText(({ state }) => w.machineStates[state], tongue),
    },
    { id: "console", label: w.console, cell: (machine) => <ConsoleLink machine={machine} /> },
  ];
}

/** A plain link into a new window: no pop-up blocker stands in its way. Control answers it with the node's page. */
function ConsoleLink({ machine: { id, name, state } }: { readonly machine: Machine }) {
  const { open, openConsole, openStopped } = words.value;
  const label = state === "running" ? openConsole(name) : openStopped(name);

  return (
    <a
      class={state === "running" ? "console-link" : "console-link stopped"}
      href={`machines/${encodeURIComponent(id)}/console`}
      target="_blank"
      rel="noopener"
      aria-label={label}
      title={label}
      data-walkable
    >
      <ConsoleIcon />
      {open}
    </a>
  );
}

function NoMachines({ account }: { readonly account: Account }) {
  const w = words.value;
  if (account.role !== "admin")
    return (
      <div class="empty">
        <p>{w.noMachinesForMember}</p>
        <p class="soft">{w.askAdministrator}</p>
      </div>
    );
  return (
    <div class="empty">
      <p>{w.noMachines}</p>
      <p class="soft">{w.addMachine}</p>
      <Command line="npm run -s porthole -- machine add NAME --protocol rfb --address HOST:PORT" />
    </div>
  );
}
