import { number, words } from "../words.ts";

const limits = {
  /** Named one by one; a cluster may have hundreds. */
  named: 4,
} as const;

/** Which parts of a hypervisor do not answer, in one sentence. */
export function silentText(silent: readonly string[]): string {
  const w = words.value.ofHypervisors;
  const named = silent.slice(0, limits.named).join(", ");
  const others = silent.length - limits.named;
  return w.silent(others > 0 ? w.andOthers(named, number(others)) : named, silent.length === 1);
}
