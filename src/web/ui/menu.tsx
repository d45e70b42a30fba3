import type { ComponentChildren, TargetedToggleEvent } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";

interface MenuProps {
  /** Names the panel in the page. */
  readonly id: string;
  /** What the button and its panel are called. */
  readonly label: string;
  /** What the button shows; the label where absent. */
  readonly face?: ComponentChildren;
  readonly children: ComponentChildren;
  /** CSS pixels; narrower on a narrower page. */
  readonly width?: number;
  /** Each time that it opens or closes, also where it closes because it is taken off the page. */
  readonly onToggle?: (open: boolean) => void;
}

const EDGE = 8;

/** A button and the panel that hangs from it: the browser's own popover, closed by Escape and by a press elsewhere. */
export function Menu({ id, label, face, children, width = 288, onToggle }: MenuProps) {
  const button = useRef<HTMLButtonElement>(null);
  const panel = useRef<HTMLDivElement>(null);
  const [open, setOpen] = useState(false);
  const told = useRef({ open: false, onToggle });
  told.current.onToggle = onToggle;
  // The browser closes what is taken off the page without a word.
  useLayoutEffect(() => () => tell(false), []);

  function tell(isOpen: boolean) {
    if (told.current.open === isOpen) return;
    told.current.open = isOpen;
    told.current.onToggle?.(isOpen);
  }

  function place(event: TargetedToggleEvent<HTMLDivElement>) {
    if (event.newState !== "open" || button.current === null || panel.current === null) return;
    const { left, top, bottom } = button.current.getBoundingClientRect();
    const room = window.innerWidth - Math.min(width, window.innerWidth - 2 * EDGE) - EDGE;
    const { style } = panel.current;
    style.width = `min(${width}px, 100vw - ${2 * EDGE}px)`;
    style.left = `${Math.max(EDGE, Math.min(left, room))}px`;
    // Away from the nearer end of the page.
    const hangs = bottom < window.innerHeight / 2;
    style.top = hangs ? `${bottom + EDGE / 2}px` : "auto";
    style.bottom = hangs ? "auto" : `${window.innerHeight - top + EDGE / 2}px`;
    style.maxHeight = hangs ? `calc(100dvh - ${bottom + 1.5 * EDGE}px)` : `${top - 1.5 * EDGE}px`;
  }

  function toggled(event: TargetedToggleEvent<HTMLDivElement>) {
    setOpen(event.newState === "open");
    tell(event.newState === "open");
  }

  return (
    <>
      <button
        ref={button}
        type="button"
        class="button plain"
        popovertarget={id}
        aria-expanded={open}
        aria-label={label}
        title={label}
      >
        {face ?? label}
      </button>
      <div
        ref={panel}
        id={id}
        popover="auto"
        class="panel"
        role="dialog"
        aria-label={label}
        onBeforeToggle={place}
        onToggle={toggled}
      >
        {children}
      </div>
    </>
  );
}
