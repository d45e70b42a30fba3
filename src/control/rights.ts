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
