import { useSignal } from "@preact/signals";
import { Fragment } from "preact";
import { Copyable } from "../ui/copyable.tsx";
import { SignalBars } from "../ui/icons.tsx";
import { Menu } from "../ui/menu.tsx";
import type { ConsoleView } from "./console-view.ts";
import type { HealthWord } from "./pulse.ts";
import { number, words } from "./words.ts";

const LOOKS = {
  unknown: { bars: 0, state: "idle" },
  good: { bars: 3, state: "good" },
  fair: { bars: 2, state: "caution" },
  slow: { bars: 1, state: "caution" },
  silent: { bars: 0, state: "bad" },
} as const satisfies Record<HealthWord, { bars: 0 | 1 | 2 | 3; state: string }>;

export interface Fact {
  readonly term: string;
  readonly detail: string;
}

interface ConnectionMenuProps {
  readonly view: ConsoleView;
  readonly facts: () => readonly Fact[];
}

/** How well the node answers, and what an operator would ask for. */
export function ConnectionMenu({ view, facts }: ConnectionMenuProps) {
  const { session } = view;
  const { word, roundTripMs } = session.health.value;
  const known = useSignal<readonly Fact[]>([]);
  const w = words.value;
  const { bars, state } = LOOKS[word];

  function toggled(open: boolean) {
    if (open) known.value = facts();
    view.menuToggled(open);
  }

  return (
    <Menu
      id="connection"
      label={`${w.connection}: ${w.health[word]}`}
      face={
        <span class={`state ${state}`}>
          <SignalBars bars={bars} struck={word === "silent"} />
          <span class="face">{word === "silent" ? w.health[word] : w.connection}</span>
        </span>
      }
      width={344}
      onToggle={toggled}
    >
      <dl class="facts">
        <dt>{w.machine}</dt>
        <dd>{session.machine.value}</dd>
        <dt>{w.connection}</dt>
        <dd>{w.health[word]}</dd>
        {roundTripMs !== undefined && (
          <>
            <dt>{w.roundTrip}</dt>
            <dd>{w.milliseconds(number(Math.round(roundTripMs)))}</dd>
          </>
        )}
        {known.value.map(({ term, detail }) => (
          <Fragment key={term}>
            <dt>{term}</dt>
            <dd>{detail}</dd>
          </Fragment>
        ))}
        {session.sessionId.value !== undefined && (
          <>
            <dt>{w.session}</dt>
            <dd>
              <Copyable text={session.sessionId.value} copy={w.copy} copied={w.copied} />
            </dd>
          </>
        )}
      </dl>
    </Menu>
  );
}
