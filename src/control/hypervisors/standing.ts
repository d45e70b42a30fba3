import { HypervisorError } from "#hypervisors/hypervisor-error.ts";
import { GatewayError, printable } from "#wire/gateway-error.ts";
import type { HypervisorStep } from "#wire/hypervisors.ts";
import type { Store } from "../store/store.ts";
import type { HypervisorRow } from "./hypervisor-row.ts";

const limits = {
  /** Of the reason that is kept. */
  problemCharacters: 500,
} as const;

/** At which step a way to a hypervisor failed, and what was said there. Whoever reads it is an administrator. */
export function failureOf(error: unknown): { readonly step: HypervisorStep; readonly said: string } {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const said = isDeadline(cause)
    ? "no answer in time"
    : printable(cause instanceof Error ? cause.message : String(cause));
  if (cause instanceof HypervisorError) return { step: cause.step, said };
  const isRefused = error instanceof GatewayError && error.code === "upstream_refused";
  return { step: isRefused ? "rights" : "answer", said };
}

/** Of whoever asked: a driver's own says what it waited for. */
function isDeadline(cause: unknown): boolean {
  return cause instanceof DOMException && cause.name === "TimeoutError";
}

/** The same in one line, as it is kept. */
export function problemOf(error: unknown): string {
  const { step, said } = failureOf(error);
  return `${step}: ${said}`.slice(0, limits.problemCharacters);
}

/** Writes down that control hears from it. */
export async function markUp(store: Store, id: string): Promise<void> {
  await store.db
    .updateTable("hypervisors")
    .set({ state: "up", state_since: store.now, problem: null })
    .where("id", "=", id)
    .where((where) => where.or([where("state", "is", null), where("state", "<>", "up")]))
    .execute();
}

/**
 * Writes down that it does not where it was not tried before: what is known of it else, who follows it knows better. `tried` is the row
 * as it was then, for the way there may be another by now.
 */
export async function markFirstDown(
  store: Store,
  tried: Pick<HypervisorRow, "id" | "address" | "credentials_sealed">,
  problem: string,
): Promise<void> {
  await store.db
    .updateTable("hypervisors")
    .set({ state: "down", state_since: store.now, problem })
    .where("id", "=", tried.id)
    .where("address", "=", tried.address)
    .where("credentials_sealed", "=", tried.credentials_sealed)
    .where("state", "is", null)
    .execute();
}

/** Writes down that it does not, and why; since when, where it did before. */
export async function markDown(store: Store, id: string, problem: string): Promise<void> {
  await store.db
    .updateTable("hypervisors")
    .set({ state: "down", state_since: store.now })
    .where("id", "=", id)
    .where((where) => where.or([where("state", "is", null), where("state", "<>", "down")]))
    .execute();
  await store.db
    .updateTable("hypervisors")
    .set({ problem })
    .where("id", "=", id)
    .where((where) => where.or([where("problem", "is", null), where("problem", "<>", problem)]))
    .execute();
}
