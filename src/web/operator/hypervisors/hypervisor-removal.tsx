import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import type { Hypervisor } from "#wire/hypervisors.ts";
import type { Api } from "../api.ts";
import { RemovalDialog } from "../removal-dialog.tsx";
import { number, words } from "../words.ts";

interface HypervisorRemovalProps {
  readonly api: Api;
  readonly hypervisor: Hypervisor;
  readonly onRemoved: () => void;
  readonly onClose: () => void;
}

/** Asks once more, and says what ends with it and what does not. */
export function HypervisorRemoval({ api, hypervisor, ...closing }: HypervisorRemovalProps) {
  const { id, name, machines, waiting } = hypervisor;
  // How many people it touches; where that cannot be told, the words that stand there anyway have to do.
  const open = useSignal<number | undefined>(undefined);
  useEffect(() => {
    void api.openConsoles(id).then(
      (count) => {
        open.value = count;
      },
      () => undefined,
    );
  }, [id]);
  const w = words.value.ofHypervisors.removal;

  return (
    <RemovalDialog
      title={w.title(name)}
      words={w}
      remove={async () => await api.removeHypervisor(id)}
      {...closing}
    >
      {machines + waiting > 0 && <p>{w.forgets(number(machines), number(waiting))}</p>}
      {machines > 0 && (
        <p role="status">{w.ends(open.value === undefined ? undefined : number(open.value))}</p>
      )}
      {machines > 0 && <p>{w.lost}</p>}
      <p class="soft">{w.stays}</p>
    </RemovalDialog>
  );
}
