import type { PowerAction } from "#wire/power-action.ts";
import { language } from "./language.ts";
import { isHard, POWER_TEXTS } from "./power-texts.ts";

export const OF_STOPPED = ["start"] as const satisfies readonly PowerAction[];
export const OF_RUNNING = ["stop", "restart", "cut", "reset"] as const satisfies readonly PowerAction[];

interface PowerActionsProps {
  readonly actions: readonly PowerAction[];
  /** The one that is under way. */
  readonly busy: PowerAction | undefined;
  readonly onPress: (action: PowerAction) => void;
}

/** What a machine's hypervisor can be asked for, each with what it means. */
export function PowerActions({ actions, busy, onPress }: PowerActionsProps) {
  const texts = POWER_TEXTS[language.value].actions;
  return (
    <ul class="power-actions">
      {actions.map((action) => (
        <li key={action}>
          <button
            type="button"
            class={isHard(action) ? "button danger" : "button"}
            aria-busy={busy === action}
            aria-describedby={`power-${action}`}
            onClick={() => onPress(action)}
          >
            {texts[action].word}
          </button>
          <span id={`power-${action}`} class="soft">
            {texts[action].meaning}
          </span>
        </li>
      ))}
    </ul>
  );
}
