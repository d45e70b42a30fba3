import type { Place } from "../vault/vault.ts";

/** The one row of the table. */
export const ACME_ROW = "acme";

export const accountKeyPlace: Place = { table: "acme", row: ACME_ROW, column: "account_key_sealed" };
export const bindingKeyPlace: Place = { table: "acme", row: ACME_ROW, column: "binding_key_sealed" };
