import type { Caller } from "#control/services.ts";
import type { AuditRow } from "#wire/audit.ts";
import type { TestControl, TestNode } from "./control.ts";

/** One of everything, and an administrator who comes by an API with a key. */
export interface World {
  readonly control: TestControl;
  readonly admin: Caller;
  readonly node: TestNode;
  readonly machine: { readonly id: string; readonly name: string };
  readonly someone: { readonly id: string; readonly name: string };
}

export const FROM = { address: "198.51.100.7", api: "native", reference: "ref-1" } as const;

/** Does it, and resolves to the row that tells of it, but for its id and time. */
export type Kind = (world: World) => Promise<{
  readonly act: () => Promise<unknown>;
  readonly row: (result: unknown) => Omit<AuditRow, "id" | "at" | "action" | "result"> & { result?: string };
}>;

/** What a row says of whoever asked. */
export function by({ accountId, name: account, apiKey = "" }: Caller) {
  return { ...FROM, accountId, account, apiKey };
}

export function idOf(made: unknown): string {
  return (made as { readonly id: string }).id;
}
