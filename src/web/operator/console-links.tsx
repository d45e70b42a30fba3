import type { Machine } from "#wire/api.ts";
import { ConsoleIcon } from "../ui/icons.tsx";
import { words } from "./words.ts";

/**
 * Plain links into a new window each: no pop-up blocker stands in their way. Control answers them with the node's page. A serial line
 * beside a screen has its own.
 */
export function ConsoleLinks({ machine }: { readonly machine: Machine }) {
  const { id, name, state, protocol, protocols = [protocol] } = machine;
  const { open, openConsole, openStopped, openLine, openLineStopped, serialLine } = words.value;
  const runs = state === "running";
  const path = `machines/${encodeURIComponent(id)}/console`;
  const hasLineToo = protocol !== "serial" && protocols.includes("serial");

  return (
    <span class="console-links">
      <ConsoleLink
        path={path}
        runs={runs}
        label={(runs ? openConsole : openStopped)(name)}
        face={open}
        walkable
      />
      {hasLineToo && (
        <ConsoleLink
          path={`${path}?protocol=serial`}
          runs={runs}
          label={(runs ? openLine : openLineStopped)(name)}
          face={serialLine}
        />
      )}
    </span>
  );
}

interface ConsoleLinkProps {
  readonly path: string;
  /** Whether there is a console now, as far as control knows. */
  readonly runs: boolean;
  readonly label: string;
  readonly face: string;
  readonly walkable?: boolean;
}

function ConsoleLink({ path, runs, label, face, walkable = false }: ConsoleLinkProps) {
  return (
    <a
      class={runs ? "console-link" : "console-link stopped"}
      href={path}
      target="_blank"
      rel="noopener"
      aria-label={label}
      title={label}
      data-walkable={walkable || undefined}
    >
      <ConsoleIcon />
      {face}
    </a>
  );
}
