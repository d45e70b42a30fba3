import { GatewayError } from "#wire/gateway-error.ts";
import type { Caller } from "./services.ts";

/** What belongs to the whole installation is for administrators. Throws `forbidden` before anything is looked up. */
export function requireAdministrator(caller: Caller): void {
  if (caller.role !== "admin") throw new GatewayError("forbidden");
}

/** Whether the caller may see a project and open its machines. */
export function maySeeProject(caller: Pick<Caller, "role" | "projectIds">, projectId: string): boolean {
  return caller.role === "admin" || caller.projectIds.includes(projectId);
}

/** Who may only look at consoles switches no machine, and types nowhere. Throws `forbidden`. */
export function requireWork({ consoles }: Pick<Caller, "consoles">): void {
  if (consoles !== undefined) throw new GatewayError("forbidden");
}

/** Throws `forbidden` for who may not even look. */
export function requireLook({ consoles }: Pick<Caller, "consoles">): void {
  if (consoles === "none") throw new GatewayError("forbidden");
}
