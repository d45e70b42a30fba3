import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import type { Account, Machine } from "#wire/api.ts";
import type { PowerAction } from "#wire/power-action.ts";
import { language } from "../ui/language.ts";
import { POWER_TEXTS } from "../ui/power-texts.ts";
import type { Api, PartOf } from "./api.ts";
import { Command } from "./command.tsx";
import { ConsoleLinks } from "./console-links.tsx";
import { type Column, DataTable } from "./data-table.tsx";
import { FilterField } from "./filter-field.tsx";
import type { Loaded } from "./loaded.ts";
import { MachineCount } from "./machine-count.tsx";
import { filterMachines } from "./machine-filter.ts";
import { MachineStateMark, stateWord } from "./machine-state.tsx";
import { NarrowTls, tellsTls, tlsColumn } from "./machine-tls.tsx";
import { PowerDialog } from "./power-dialog.tsx";
import { Problem } from "./problem.tsx";
import { useSearch } from "./search.ts";
import { byText } from "./sorting.ts";
import { number, words } from "./words.ts";

const limits = {
  refreshMs: 20_000,
} as const;

interface MachinesPageProps {
  readonly api: Api;
  readonly account: Account;
  readonly list: Loaded<PartOf<Machine>>;
}

/** The caller's machines, with their consoles. */
export function MachinesPage({ api, account, list }: MachinesPageProps) {
  const { filter, load } = useSearch({
    list,
    fetchPart: async (keyword) => await api.machines(keyword),
    refreshMs: limits.refreshMs,
  });
  const data = list.data.value;
  const error = list.error.value;

  const found = useMemo(() => filterMachines(data?.items ?? [], filter.value), [data, filter.value]);
  const powering = useSignal<Machine | undefined>(undefined);
  // What the hypervisor was asked for last: that it was is all that is known by then.
  const ordered = useSignal<{ readonly machine: string; readonly action: PowerAction } | undefined>(
    undefined,
  );
  const closePower = () => {
    powering.value = undefined;
  };
  const w = words.value;

  return (
    <main class="page">
      <header class="page-head">
        <h1>{w.machines}</h1>
        {data !== undefined && <MachineCount shown={found.length} all={data.items.length} />}
        <FilterField
          label={w.filterMachines}
          value={filter.value}
          onChange={(text) => {
            filter.value = text;
          }}
        />
      </header>
      {powering.value !== undefined && (
        <PowerDialog
          key={powering.value.id}
          api={api}
          machine={powering.value}
          onOrdered={(action) => {
            ordered.value = { machine: powering.value?.name ?? "", action };
            closePower();
            load();
          }}
          onClose={closePower}
        />
      )}
      <div class="done" role="status">
        {ordered.value !== undefined && (
          <p class="notice idle">
            <span>
              <strong>{ordered.value.machine}:</strong>{" "}
              {POWER_TEXTS[language.value].actions[ordered.value.action].taken}
            </span>
          </p>
        )}
      </div>
      {error !== undefined && <Problem error={error} onTryAgain={load} />}
      {data === undefined && error === undefined && <p class="soft">{w.loading}</p>}
      {data?.complete === false && <p class="soft">{w.incomplete(number(data.items.length))}</p>}
      {data !== undefined && found.length > 0 && (
        <MachineTable
          machines={found}
          filter={filter.value}
          onPower={(machine) => {
            powering.value = machine;
          }}
        />
      )}
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

function MachineTable({
  machines,
  filter,
  onPower,
}: {
  readonly machines: readonly Machine[];
  readonly filter: string;
  readonly onPower: (machine: Machine) => void;
}) {
  const tongue = language.value;
  const has = {
    tls: tellsTls(machines),
    // Only administrators are told, and where all machines were registered by hand there is nothing to tell.
    hypervisors: machines.some(({ hypervisor }) => hypervisor !== undefined),
    power: machines.some(({ takesOrders }) => takesOrders === true),
  };
  const columns = useMemo(
    () => machineColumns(tongue, has, onPower),
    [tongue, has.tls, has.hypervisors, has.power],
  );

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

function machineColumns(
  tongue: string,
  has: { readonly tls: boolean; readonly hypervisors: boolean; readonly power: boolean },
  onPower: (machine: Machine) => void,
): readonly Column<Machine>[] {
  const w = words.value;
  const hypervisor: Column<Machine> = {
    id: "hypervisor",
    label: w.hypervisor,
    cell: (machine) => machine.hypervisor?.name,
    compare: byText((machine) => machine.hypervisor?.name ?? "", tongue),
    weight: "extra",
  };
  const power: Column<Machine> = {
    id: "power",
    label: w.ofPower.column,
    cell: (machine) => machine.takesOrders === true && <PowerButton machine={machine} onPress={onPower} />,
  };
  return [
    {
      id: "name",
      label: w.name,
      cell: (machine) => (
        <>
          {machine.name}
          <span class="narrow-only soft">{machine.project}</span>
          <NarrowTls machine={machine} />
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
    ...(has.hypervisors ? [hypervisor] : []),
    {
      id: "protocol",
      label: w.protocol,
      cell: ({ protocol }) => w.protocols[protocol],
      compare: byText(({ protocol }) => w.protocols[protocol], tongue),
      weight: "minor",
    },
    ...(has.tls ? [tlsColumn(tongue)] : []),
    {
      id: "state",
      label: w.state,
      cell: (machine) => <MachineStateMark machine={machine} />,
      compare: byText(stateWord, tongue),
    },
    ...(has.power ? [power] : []),
    { id: "console", label: w.console, cell: (machine) => <ConsoleLinks machine={machine} /> },
  ];
}

function PowerButton({
  machine,
  onPress,
}: {
  readonly machine: Machine;
  readonly onPress: (machine: Machine) => void;
}) {
  const { open, label } = words.value.ofPower;
  return (
    <button
      type="button"
      class="link-button"
      aria-label={label(machine.name)}
      title={label(machine.name)}
      onClick={() => onPress(machine)}
    >
      {open}
    </button>
  );
}

function NoMachines({ account }: { readonly account: Account }) {
  const w = words.value;
  if (account.role !== "admin")
    return (
      <div class="empty">
        <p>{account.projects.length === 0 ? w.noProjects : w.noMachinesForMember}</p>
        <p class="soft">{account.projects.length === 0 ? w.askForProject : w.askAdministrator}</p>
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
