import { createHash } from "node:crypto";
import { aes256Gcm } from "#base/process/aes-256-gcm.ts";
import type { TicketKey } from "#wire/ticket.ts";
import type { InstallationKey } from "../vault/installation-key.ts";
import { deriveKey } from "../vault/vault.ts";

const limits = {
  /** Keys kept at hand: one for each node that is up, in any fleet that one control serves. */
  keys: 1000,
} as const;

/** The key of one start of one node. Whoever has it opens and forges that start's tickets, and no others. */
export type TicketKeys = (nodeId: string, incarnation: string) => DerivedTicketKey;

interface DerivedTicketKey extends TicketKey {
  /** 32 bytes, for the node. */
  readonly key: Uint8Array;
}

export function createTicketKeys(installationKey: InstallationKey, installationId: string): TicketKeys {
  const known = new Map<string, DerivedTicketKey>();
  return (nodeId, incarnation) => {
    const name = JSON.stringify([nodeId, incarnation]);
    const ticketKey = known.get(name) ?? derive(name, ["porthole", "ticket", nodeId, incarnation]);
    if (known.size >= limits.keys) known.clear();
    known.set(name, ticketKey);
    return ticketKey;
  };

  function derive(name: string, info: readonly string[]): DerivedTicketKey {
    const key = deriveKey(installationKey, { salt: installationId, info });
    const kid = createHash("sha256").update(name).digest("base64url").slice(0, 16);
    return { kid, key, aead: aes256Gcm(key) };
  }
}
