import { createHash, createHmac } from "node:crypto";
import { aes256Gcm } from "#base/process/aes-256-gcm.ts";
import type { TicketKey } from "#wire/ticket.ts";

const limits = {
  /** Keys kept at hand: three for each node that is up, in any fleet that one control serves. */
  keys: 3000,
} as const;

/**
 * The generation of installations that have never rotated. Its keys are those of the versions before there were
 * generations, so that an update cuts no ticket.
 */
export const FIRST_GENERATION = 1;

/** A generation of ticket keys. `secret` is 32 bytes of which nothing is known. */
export interface Generation {
  readonly generation: number;
  readonly secret: Uint8Array;
}

/** The key of one start of one node, of one generation. Whoever has it opens and forges that start's tickets, and no others. */
export type DeriveTicketKey = (
  generation: Generation,
  nodeId: string,
  incarnation: string,
) => DerivedTicketKey;

export interface DerivedTicketKey extends TicketKey {
  readonly generation: number;
  /** 32 bytes, for the node. */
  readonly key: Uint8Array;
}

export function createTicketKeys(): DeriveTicketKey {
  const known = new Map<string, DerivedTicketKey>();
  return (from, nodeId, incarnation) => {
    const { generation } = from;
    const start = [nodeId, incarnation];
    const name = JSON.stringify(generation === FIRST_GENERATION ? start : [...start, generation]);
    const ticketKey = known.get(name) ?? derive(name, from, ["porthole", "ticket", nodeId, incarnation]);
    if (known.size >= limits.keys) known.clear();
    known.set(name, ticketKey);
    return ticketKey;
  };
}

function derive(name: string, { generation, secret }: Generation, info: readonly string[]): DerivedTicketKey {
  const key = expand(secret, JSON.stringify(info));
  const kid = createHash("sha256").update(name).digest("base64url").slice(0, 16);
  return { generation, kid, key, aead: aes256Gcm(key) };
}

/** HKDF-Extract (RFC 5869 §2.2) with SHA-256: what the first generation is made of. */
export function extract(salt: string, installationKey: Uint8Array): Uint8Array {
  return new Uint8Array(createHmac("sha256", salt).update(installationKey).digest());
}

/** HKDF-Expand (RFC 5869 §2.3) with SHA-256 to 32 bytes, which is one block. */
function expand(secret: Uint8Array, info: string): Uint8Array {
  return new Uint8Array(createHmac("sha256", secret).update(info).update(Uint8Array.of(1)).digest());
}
