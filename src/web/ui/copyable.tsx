import { useEffect, useState } from "preact/hooks";
import { copyText } from "./copy.ts";
import { CopyIcon } from "./icons.tsx";

interface CopyableProps {
  readonly text: string;
  /** In place of all of it, where that is long. */
  readonly shown?: string;
  readonly copy: string;
  readonly copied: string;
  /** The arrow keys of a table stop at it. */
  readonly walkable?: boolean;
  /** What a click does stands beside the icon, for where no pointer rests on it to ask. */
  readonly worded?: boolean;
}

const SAID_FOR_MS = 2_000;

/** An identifier that a click copies. */
export function Copyable({
  text,
  shown = text,
  copy,
  copied,
  walkable = false,
  worded = false,
}: CopyableProps) {
  const [done, setDone] = useState(false);
  useEffect(() => {
    if (!done) return;
    const timer = setTimeout(() => setDone(false), SAID_FOR_MS);
    return () => clearTimeout(timer);
  }, [done]);

  return (
    <button
      type="button"
      class="copyable"
      data-walkable={walkable || undefined}
      title={copy}
      onClick={() => {
        void copyText(text).then(setDone);
      }}
    >
      <span class="mono">{shown}</span>
      <span class="copy">
        <CopyIcon />
        <span class={worded && !done ? "small" : "visually-hidden"}>{copy}</span>
        <span role="status" class={done ? "small" : "visually-hidden"}>
          {done ? copied : ""}
        </span>
      </span>
    </button>
  );
}
