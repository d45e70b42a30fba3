import { useSignal } from "@preact/signals";
import type { Machine } from "#wire/api.ts";
import type { PowerAction } from "#wire/power-action.ts";
import { Dialog } from "../ui/dialog.tsx";
import { useKeyboardKept } from "../ui/keyboard-kept.ts";
import { language } from "../ui/language.ts";
import { OF_RUNNING, OF_STOPPED, PowerActions } from "../ui/power-actions.tsx";
import { type HardAction, isHard, POWER_TEXTS } from "../ui/power-texts.ts";
import type { Api, ApiError } from "./api.ts";
import { Problem } from "./problem.tsx";
import { apiError } from "./visitor.ts";
import { words } from "./words.ts";

interface PowerDialogProps {
  readonly api: Api;
  readonly machine: Machine;
  /** The hypervisor took an order. */
  readonly onOrdered: (action: PowerAction) => void;
  readonly onClose: () => void;
}

/** Starts a machine, or stops it, by its hypervisor. */
export function PowerDialog({ api, machine, onOrdered, onClose }: PowerDialogProps) {
  const error = useSignal<ApiError | undefined>(undefined);
  const busy = useSignal<PowerAction | undefined>(undefined);
  const asked = useSignal<HardAction | undefined>(undefined);
  const w = words.value.ofPower;
  const texts = POWER_TEXTS[language.value];
  const actions = machine.state === "stopped" ? OF_STOPPED : OF_RUNNING;

  async function order(action: PowerAction) {
    if (busy.value !== undefined) return;
    busy.value = action;
    error.value = undefined;
    try {
      await api.power(machine.id, action);
      onOrdered(action);
    } catch (thrown) {
      error.value = apiError(thrown);
    } finally {
      busy.value = undefined;
    }
  }

  function press(action: PowerAction) {
    if (isHard(action)) asked.value = action;
    else void order(action);
  }

  const sure = asked.value;
  const place = useKeyboardKept<HTMLDivElement>(sure);
  return (
    <Dialog
      title={sure === undefined ? w.title(machine.name) : texts.sure[sure](machine.name)}
      onClose={onClose}
    >
      <div ref={place} class="stack">
        {sure === undefined ? (
          <PowerActions actions={actions} busy={busy.value} onPress={press} />
        ) : (
          <p>{texts.lost[sure]}</p>
        )}
        {error.value !== undefined && <Problem error={error.value} />}
        <div class="row">
          <button type="button" class="button" onClick={onClose}>
            {w.cancel}
          </button>
          {sure !== undefined && (
            <button
              type="button"
              class="button danger"
              aria-busy={busy.value !== undefined}
              onClick={() => void order(sure)}
            >
              {texts.actions[sure].word}
            </button>
          )}
        </div>
      </div>
    </Dialog>
  );
}
