import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { Dialog } from "../ui/dialog.tsx";
import type { ApiError } from "./api.ts";
import { Problem } from "./problem.tsx";
import { apiError } from "./visitor.ts";

interface RemovalDialogProps {
  readonly title: string;
  /** What ends with it, and what does not. */
  readonly children: ComponentChildren;
  readonly words: { readonly confirm: string; readonly cancel: string };
  readonly remove: () => Promise<void>;
  readonly onRemoved: () => void;
  readonly onClose: () => void;
}

/** Asks once more before something is removed, and stays with the reason where it is not. */
export function RemovalDialog({ title, children, words, remove, onRemoved, onClose }: RemovalDialogProps) {
  const error = useSignal<ApiError | undefined>(undefined);
  const isBusy = useSignal(false);

  async function confirm() {
    if (isBusy.value) return;
    isBusy.value = true;
    try {
      await remove();
      onRemoved();
    } catch (thrown) {
      error.value = apiError(thrown);
    } finally {
      isBusy.value = false;
    }
  }

  return (
    <Dialog title={title} onClose={onClose}>
      <div class="stack">
        {children}
        {error.value !== undefined && <Problem error={error.value} />}
        <div class="row">
          <button type="button" class="button" onClick={onClose}>
            {words.cancel}
          </button>
          <button type="button" class="button danger" aria-busy={isBusy.value} onClick={() => void confirm()}>
            {words.confirm}
          </button>
        </div>
      </div>
    </Dialog>
  );
}
