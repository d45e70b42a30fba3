import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import type { Project } from "#wire/api.ts";
import type { Hypervisor, HypervisorTest, WaitingMachine } from "#wire/hypervisors.ts";
import type { Api, ApiError, PartOf } from "../api.ts";
import type { Loaded } from "../loaded.ts";
import { Problem } from "../problem.tsx";
import { useRefresh } from "../refresh.ts";
import { apiError } from "../visitor.ts";
import { words } from "../words.ts";
import { HypervisorDialog } from "./hypervisor-dialog.tsx";
import { HypervisorRemoval } from "./hypervisor-removal.tsx";
import { HypervisorTable } from "./hypervisor-table.tsx";
import { type Done, Outcome } from "./outcome.tsx";
import { WaitingMachines } from "./waiting-machines.tsx";

const limits = { refreshMs: 10_000 } as const;

/** The hypervisors, and the projects into which their machines can come. */
export interface HypervisorOverview {
  readonly hypervisors: readonly Hypervisor[];
  readonly projects: readonly Project[];
}

interface HypervisorsPageProps {
  readonly api: Api;
  readonly loaded: Loaded<HypervisorOverview>;
  readonly waiting: Loaded<PartOf<WaitingMachine>>;
}

/** What control asks for machines, how it goes with each, and the machines that have no project yet. */
export function HypervisorsPage({ api, loaded, waiting }: HypervisorsPageProps) {
  const isAdding = useSignal(false);
  const changing = useSignal<Hypervisor | undefined>(undefined);
  const removing = useSignal<Hypervisor | undefined>(undefined);
  const done = useSignal<Done | undefined>(undefined);
  const failed = useSignal<ApiError | undefined>(undefined);
  const addButton = useRef<HTMLButtonElement>(null);
  const overview = loaded.data.value;
  const error = loaded.error.value;
  const load = () => void loaded.load(async () => await overviewOf(api));
  useRefresh(load, limits.refreshMs);
  const w = words.value.ofHypervisors;

  async function test(hypervisor: Hypervisor) {
    failed.value = undefined;
    done.value = { kind: "testing", hypervisor };
    const isStill = () => done.value?.kind === "testing" && done.value.hypervisor.id === hypervisor.id;
    try {
      const result: HypervisorTest = await api.testHypervisor(hypervisor.id);
      if (isStill()) done.value = { kind: "tested", hypervisor, result };
      load();
    } catch (thrown) {
      const refused = apiError(thrown);
      if (!isStill()) return;
      done.value = undefined;
      failed.value = refused;
    }
  }

  function leaveForm() {
    isAdding.value = false;
    changing.value = undefined;
  }

  function finish(what: Done) {
    failed.value = undefined;
    done.value = what;
    load();
  }

  return (
    <main class="page parts">
      <header class="page-head">
        <h1>{words.value.hypervisors}</h1>
        {overview !== undefined && (
          <button
            ref={addButton}
            type="button"
            class="button primary"
            onClick={() => {
              isAdding.value = true;
            }}
          >
            {w.add}
          </button>
        )}
      </header>
      {error !== undefined && <Problem error={error} onTryAgain={load} />}
      {failed.value !== undefined && <Problem error={failed.value} />}
      {overview === undefined && error === undefined && <p class="soft">{words.value.loading}</p>}
      <div class="done" role="status">
        {done.value !== undefined && <Outcome done={done.value} />}
      </div>
      {overview !== undefined && (
        <>
          <HypervisorTable
            hypervisors={overview.hypervisors}
            testing={done.value?.kind === "testing" ? done.value.hypervisor.id : undefined}
            onTest={(hypervisor) => void test(hypervisor)}
            onChange={(hypervisor) => {
              changing.value = hypervisor;
            }}
            onRemove={(hypervisor) => {
              removing.value = hypervisor;
            }}
          />
          <WaitingMachines
            api={api}
            list={waiting}
            overview={overview}
            onAssigned={(count, project) => finish({ kind: "assigned", count, project })}
          />
        </>
      )}
      {overview !== undefined && (isAdding.value || changing.value !== undefined) && (
        <HypervisorDialog
          api={api}
          projects={overview.projects}
          known={changing.value}
          onDone={(hypervisor) => {
            leaveForm();
            load();
            // Whether it can be reached at all is what everybody wants to know next.
            void test(hypervisor);
          }}
          onClose={leaveForm}
        />
      )}
      {removing.value !== undefined && (
        <HypervisorRemoval
          api={api}
          hypervisor={removing.value}
          onRemoved={() => {
            if (removing.value !== undefined) finish({ kind: "removed", hypervisor: removing.value });
            removing.value = undefined;
            // With its row goes the button that was pressed; this one stays.
            requestAnimationFrame(() => addButton.current?.focus());
          }}
          onClose={() => {
            removing.value = undefined;
          }}
        />
      )}
    </main>
  );
}

async function overviewOf(api: Api): Promise<HypervisorOverview> {
  const [hypervisors, { items: projects }] = await Promise.all([api.hypervisors(), api.projects()]);
  return { hypervisors, projects };
}
