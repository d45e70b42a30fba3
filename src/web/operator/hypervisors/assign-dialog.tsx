import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Project } from "#wire/api.ts";
import type { WaitingMachine } from "#wire/hypervisors.ts";
import { Dialog } from "../../ui/dialog.tsx";
import type { Api, ApiError } from "../api.ts";
import { FormField } from "../form-field.tsx";
import { Problem } from "../problem.tsx";
import { apiError } from "../visitor.ts";
import { number, words } from "../words.ts";

interface AssignDialogProps {
  readonly api: Api;
  readonly machines: readonly WaitingMachine[];
  readonly projects: readonly Project[];
  readonly onAssigned: (count: number, project: string) => void;
  /** Closed meanwhile, or for good: some may have been assigned by then. */
  readonly onClose: () => void;
}

/** How many names are said; the rest is a number. */
const NAMES = 5;

/** Says what a project makes of machines, and puts them into one, one after the other. */
export function AssignDialog({ api, machines, projects, onAssigned, onClose }: AssignDialogProps) {
  // What everybody has is no choice of anybody's, unless there is no other.
  const project = useSignal(projects.length === 1 ? (projects[0]?.id ?? "") : "");
  const isMissing = useSignal(false);
  const left = useSignal(machines);
  const isBusy = useSignal(false);
  const failed = useSignal<{ readonly machine: string; readonly error: ApiError } | undefined>(undefined);
  const isOpen = useRef(true);
  useEffect(
    () => () => {
      isOpen.current = false;
    },
    [],
  );
  const select = useRef<HTMLSelectElement>(null);
  const w = words.value.ofHypervisors.assigning;

  async function assign() {
    if (isBusy.value) return;
    const chosen = projects.find(({ id }) => id === project.value);
    isMissing.value = chosen === undefined;
    if (chosen === undefined) return void select.current?.focus();
    isBusy.value = true;
    failed.value = undefined;
    for (const machine of left.value) {
      try {
        await api.assign(machine.id, chosen.id);
      } catch (thrown) {
        failed.value = { machine: machine.name, error: apiError(thrown) };
        break;
      }
      left.value = left.value.slice(1);
      if (!isOpen.current) return;
    }
    isBusy.value = false;
    if (left.value.length === 0) onAssigned(machines.length, chosen.name);
  }

  return (
    <Dialog title={w.title(number(machines.length), machines[0]?.name ?? "")} onClose={onClose}>
      <form
        class="form"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void assign();
        }}
      >
        {machines.length > 1 && <p class="names">{namesOf(machines)}</p>}
        <FormField label={words.value.project} hint={w.hint} problems={isMissing.value ? [w.missing] : []}>
          {(control) => (
            <select
              {...control}
              ref={select}
              class="field"
              value={project.value}
              onChange={(event) => {
                project.value = event.currentTarget.value;
                isMissing.value = false;
              }}
            >
              <option value="" disabled>
                {w.choose}
              </option>
              {projects.map(({ id, name }) => (
                <option key={id} value={id}>
                  {name}
                </option>
              ))}
            </select>
          )}
        </FormField>
        <p>{w.means}</p>
        <p class="soft">{w.stays}</p>
        <div role="status">
          {isBusy.value && machines.length > 1 && (
            <p>{w.progress(number(machines.length - left.value.length), number(machines.length))}</p>
          )}
        </div>
        {failed.value !== undefined && (
          <>
            <p>{w.stopped(failed.value.machine, number(machines.length - left.value.length))}</p>
            <Problem error={failed.value.error} />
          </>
        )}
        <div class="row actions">
          <button type="submit" class="button primary" aria-busy={isBusy.value}>
            {w.confirm}
          </button>
          <button type="button" class="button" onClick={onClose}>
            {words.value.ofHypervisors.cancel}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function namesOf(machines: readonly WaitingMachine[]): string {
  const said = machines.slice(0, NAMES).map(({ name }) => name);
  const more = machines.length - said.length;
  const names = said.join(", ");
  return more === 0 ? names : words.value.ofHypervisors.assigning.andMore(names, number(more));
}
