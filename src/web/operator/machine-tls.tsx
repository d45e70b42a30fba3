import type { Machine } from "#wire/api.ts";
import { StateShape } from "../ui/icons.tsx";
import type { Column } from "./data-table.tsx";
import { byText } from "./sorting.ts";
import { words } from "./words.ts";

/** Administrators alone are told addresses, and with them how the way to each is secured. */
export function tellsTls(machines: readonly Machine[]): boolean {
  return machines.some(({ address }) => address !== undefined);
}

/** How nodes know the hypervisor that a machine's console comes from. */
export function tlsColumn(tongue: string): Column<Machine> {
  return {
    id: "tls",
    label: words.value.tls,
    cell: ({ tls }) => <TlsMode mode={tls?.mode ?? "none"} />,
    compare: byText(({ tls }) => words.value.tlsModes[tls?.mode ?? "none"].word, tongue),
    weight: "minor",
  };
}

/** On pages of a telephone, below the machine's name: there is no column then. */
export function NarrowTls({ machine: { address, tls } }: { readonly machine: Machine }) {
  if (address === undefined) return null;
  const w = words.value;
  return (
    <span class="narrow-only soft">
      {w.tls}: {w.tlsModes[tls?.mode ?? "none"].word}
    </span>
  );
}

function TlsMode({ mode }: { readonly mode: NonNullable<Machine["tls"]>["mode"] | "none" }) {
  const { word, meaning } = words.value.tlsModes[mode];
  if (mode !== "insecure")
    return (
      <span class={mode === "none" ? "soft" : undefined} title={meaning}>
        {word}
      </span>
    );
  return (
    <span class="state caution" title={meaning}>
      <StateShape shape="half" />
      {word}
    </span>
  );
}
