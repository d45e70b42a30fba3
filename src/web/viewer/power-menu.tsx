import { useSignal } from "@preact/signals";
import { PowerIcon } from "../ui/icons.tsx";
import { Menu } from "../ui/menu.tsx";
import type { ConsoleView } from "./console-view.ts";
import { words } from "./words.ts";

const ID = "power";
const COMMANDS = ["shutdown", "reboot", "reset"] as const;
type Command = (typeof COMMANDS)[number];

/** Power commands, each asked about once more with the machine's name. */
export function PowerMenu({ view }: { readonly view: ConsoleView }) {
  const { session } = view;
  const asked = useSignal<Command | undefined>(undefined);
  const { power, powerOff, reboot, reset, powerAsk, cancel, powerSent, untitled } = words.value;
  const names: Readonly<Record<Command, string>> = { shutdown: powerOff, reboot, reset };
  const command = asked.value;

  function toggled(open: boolean) {
    asked.value = undefined;
    view.menuToggled(open);
  }

  function carryOut(which: Command) {
    session.screen.value?.power(which);
    view.announce(powerSent);
  }

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
      width={256}
      onToggle={toggled}
    >
      {command === undefined ? (
        COMMANDS.map((name) => (
          <button
            key={name}
            type="button"
            class="button"
            onClick={() => {
              asked.value = name;
            }}
          >
            {names[name]}
          </button>
        ))
      ) : (
        <>
          <p>{powerAsk[command](session.machine.value ?? untitled)}</p>
          <div class="row">
            <button
              type="button"
              class="button primary"
              popovertarget={ID}
              popovertargetaction="hide"
              onClick={() => carryOut(command)}
            >
              {names[command]}
            </button>
            <button type="button" class="button" popovertarget={ID} popovertargetaction="hide">
              {cancel}
            </button>
          </div>
        </>
      )}
    </Menu>
  );
}
