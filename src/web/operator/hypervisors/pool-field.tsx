import { type Signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { DEFAULT_POOL } from "#wire/api.ts";
import type { Api } from "../api.ts";
import { words } from "../words.ts";
import { LineField } from "./text-field.tsx";

interface PoolFieldProps {
  readonly api: Api;
  readonly text: Signal<string>;
  readonly problems: readonly string[];
  readonly onWrite: () => void;
}

/** Whose nodes carry the consoles. Of a pool that no node is in it says so: nothing else would, until somebody wants a console. */
export function PoolField({ api, text, problems, onWrite }: PoolFieldProps) {
  const pools = useSignal<readonly string[] | undefined>(undefined);
  useEffect(() => {
    // Control judges what is written; where it does not tell of its nodes now, nothing is suggested, and nothing doubted.
    api.nodePools().then(
      (known) => {
        pools.value = known;
      },
      () => {},
    );
  }, []);
  const w = words.value.ofHypervisors.form;
  const wanted = text.value.trim() || DEFAULT_POOL;
  const isEmpty = problems.length === 0 && pools.value?.includes(wanted) === false;

  return (
    <LineField
      label={w.pool}
      hint={
        <>
          {w.poolHint}
          <span aria-live="polite">
            {isEmpty && <strong class="caution-text"> {w.poolEmpty(wanted)}</strong>}
          </span>
        </>
      }
      text={text}
      isMono
      problems={problems}
      suggestions={pools.value ?? []}
      onWrite={onWrite}
    />
  );
}
