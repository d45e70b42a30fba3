import { useSignal } from "@preact/signals";
import type { PowerAction } from "#wire/power-action.ts";
import type { Powered } from "#wire/viewer.ts";
import { errorText } from "../ui/error-texts.ts";
import { PowerIcon } from "../ui/icons.tsx";
import { useKeyboardKept } from "../ui/keyboard-kept.ts";
import { language } from "../ui/language.ts";
import { Menu } from "../ui/menu.tsx";
import { OF_RUNNING, PowerActions } from "../ui/power-actions.tsx";
import { type HardAction, isHard, POWER_TEXTS } from "../ui/power-texts.ts";
import type { ConsoleView } from "./console-view.ts";
import { words } from "./words.ts";

const ID = "power";

/** What RFB's server can be told, where its hypervisor takes no orders: it does not say what becomes of it. */
const BY_RFB: Readonly<Partial<Record<PowerAction, RfbPower>>> = {
  stop: "shutdown",
  restart: "reboot",
  reset: "reset",
};
type RfbPower = "shutdown" | "reboot" | "reset";

/** What was ordered last, and what became of it. */
interface Outcome {
  readonly action: PowerAction;
  readonly error?: Powered["error"];
}

interface PowerMenuProps {
  readonly view: ConsoleView;
  /** Tells RFB's server, where the machine's hypervisor takes no orders. */
  readonly tell?: (command: RfbPower) => void;
}

/**
 * Has the machine stopped or restarted: by its hypervisor where that takes orders, else by RFB's server. What may lose something is
 * asked about once more.
 */
export function PowerMenu({ view, tell }: PowerMenuProps) {
  const { session } = view;
  const isOrdered = tell === undefined;
  const asked = useSignal<HardAction | undefined>(undefined);
  const busy = useSignal<PowerAction | undefined>(undefined);
  const outcome = useSignal<Outcome | undefined>(undefined);
  const { power, cancel, close, untitled } = words.value;
  const texts = POWER_TEXTS[language.value];

  function toggled(open: boolean) {
    asked.value = undefined;
    if (open) outcome.value = undefined;
    view.menuToggled(open);
  }

  async function order(action: PowerAction) {
    if (busy.value !== undefined) return;
    busy.value = action;
    const powered = isOrdered ? await session.order(action) : tellScreen(action);
    busy.value = undefined;
    asked.value = undefined;
    // Without an answer the console is over, and says why by itself.
    if (powered === undefined) return;
    const { error } = powered;
    outcome.value = { action, ...(error === undefined ? {} : { error }) };
  }

  function tellScreen(action: PowerAction): Pick<Powered, "error"> {
    const said = BY_RFB[action];
    if (said !== undefined) tell?.(said);
    return {};
  }

  const hard = asked.value;
  const place = useKeyboardKept<HTMLDivElement>(outcome.value ?? hard);
  return (
    <Menu
      id={ID}
      label={power}
      face={
        <>
          <PowerIcon />
          <span class="face">{power}</span>
        </>
      }
      width={288}
      onToggle={toggled}
    >
      <div ref={place} class="stack">
        <div role="status">
          {outcome.value !== undefined && <Told outcome={outcome.value} isKnown={isOrdered} />}
        </div>
        {outcome.value !== undefined && (
          <button type="button" class="button" popovertarget={ID} popovertargetaction="hide">
            {close}
          </button>
        )}
        {outcome.value === undefined && hard === undefined && (
          <PowerActions
            actions={isOrdered ? OF_RUNNING : OF_RUNNING.filter((action) => action in BY_RFB)}
            busy={busy.value}
            onPress={(action) => {
              if (isHard(action)) asked.value = action;
              else void order(action);
            }}
          />
        )}
        {outcome.value === undefined && hard !== undefined && (
          <>
            <p>
              <strong>{texts.sure[hard](session.machine.value ?? untitled)}</strong>
            </p>
            <p>{texts.lost[hard]}</p>
            <div class="row">
              <button type="button" class="button" popovertarget={ID} popovertargetaction="hide">
                {cancel}
              </button>
              <button
                type="button"
                class="button danger"
                aria-busy={busy.value !== undefined}
                onClick={() => void order(hard)}
              >
                {texts.actions[hard].word}
              </button>
            </div>
          </>
        )}
      </div>
    </Menu>
  );
}

function Told({
  outcome: { action, error },
  isKnown,
}: {
  readonly outcome: Outcome;
  /** Whether somebody has said that it was taken. */
  readonly isKnown: boolean;
}) {
  if (error === undefined)
    return <p>{isKnown ? POWER_TEXTS[language.value].actions[action].taken : words.value.powerSent}</p>;
  const { meaning, remedy } = errorText(error.code, language.value);
  return (
    <>
      <p>
        <strong>{meaning}</strong>
        {error.detail !== undefined && <span class="soft"> ({error.detail})</span>}
      </p>
      <p>{remedy}</p>
    </>
  );
}
