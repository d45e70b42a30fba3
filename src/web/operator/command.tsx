import { Copyable } from "../ui/copyable.tsx";
import { words } from "./words.ts";

/** A command to run, which a press copies. */
export function Command({ line }: { readonly line: string }) {
  const { copy, copied } = words.value;
  return (
    <div class="command">
      <Copyable text={line} copy={copy} copied={copied} />
    </div>
  );
}
