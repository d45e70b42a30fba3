import type { Account, Session } from "#wire/api.ts";
import type { Api } from "./api.ts";
import { RemovalDialog } from "./removal-dialog.tsx";
import { words } from "./words.ts";

interface SessionEndProps {
  readonly api: Pick<Api, "endSession">;
  /** Who asks. */
  readonly account: Account;
  readonly session: Session;
  readonly onEnded: () => void;
  readonly onClose: () => void;
}

/** Asks once more before somebody's console is closed, and says what they see of it. */
export function SessionEnd({ api, account, session, onEnded, onClose }: SessionEndProps) {
  const { id, machine, account: whose, accountId, state } = session;
  const w = words.value.ofEnd;
  const isOwn = accountId === account.id;

  return (
    <RemovalDialog
      title={w.title(machine)}
      words={w}
      remove={async () => await api.endSession(id)}
      onRemoved={onEnded}
      onClose={onClose}
    >
      {state === "pending" ? (
        <p>{isOwn ? w.ownUnused : w.unused(whose)}</p>
      ) : (
        <p>{isOwn ? w.own : w.means(whose, account.name)}</p>
      )}
      <p class="soft">{w.stays}</p>
    </RemovalDialog>
  );
}
