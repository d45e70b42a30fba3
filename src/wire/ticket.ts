import { CompactEncrypt, compactDecrypt, decodeProtectedHeader, errors } from "jose";
import { type Static, Type } from "typebox";
import { Check } from "typebox/value";
import { GatewayError } from "./gateway-error.ts";

/**
 * A ticket is a JWE (RFC 7516) in compact form, `dir` with A256GCM, under a key that belongs to one start
 * (incarnation) of one node. It holds no secret: only which session it redeems, and what it is bound to.
 */
const TicketClaims = Type.Object({
  sessionId: Type.String({ minLength: 1 }),
  attachment: Type.Integer({ minimum: 1 }),
  nodeId: Type.String({ minLength: 1 }),
  incarnation: Type.String({ minLength: 1 }),
  /** Milliseconds since 1970, by control's clock. */
  issuedAt: Type.Integer(),
  expiresAt: Type.Integer(),
  /** SHA-256, base64url, of the extra token that must come beside the ticket. */
  extraHash: Type.Optional(Type.String()),
  /** The only address that the viewer may come from. */
  callerAddress: Type.Optional(Type.String()),
});
export type TicketClaims = Static<typeof TicketClaims>;

/** 32 bytes for A256GCM, and the `kid` by which tickets name them. */
export interface TicketKey {
  readonly kid: string;
  readonly key: Uint8Array;
}

const limits = {
  /** Ours take about 500; a longer one is refused before anything is computed. */
  ticketCharacters: 4096,
} as const;

export async function sealTicket(claims: TicketClaims, { kid, key }: TicketKey): Promise<string> {
  return await new CompactEncrypt(new TextEncoder().encode(JSON.stringify(claims)))
    .setProtectedHeader({ alg: "dir", enc: "A256GCM", kid, node: claims.nodeId })
    .encrypt(key);
}

/**
 * Opens a ticket with the node's own key. Throws `ticket_foreign` when it was sealed for another node or
 * incarnation, `ticket_invalid` for everything else that is wrong with it. Does not judge time: see the node.
 */
export async function openTicket(ticket: string, { kid, key }: TicketKey): Promise<TicketClaims> {
  if (ticket.length > limits.ticketCharacters) throw new GatewayError("ticket_invalid");
  const header = readHeader(ticket);
  if (header.kid !== kid) throw new GatewayError("ticket_foreign");
  const claims = await decrypt(ticket, key);
  if (!Check(TicketClaims, claims)) throw new GatewayError("ticket_invalid");
  return claims;
}

function readHeader(ticket: string): { readonly kid?: unknown } {
  try {
    return decodeProtectedHeader(ticket);
  } catch (cause) {
    throw new GatewayError("ticket_invalid", { cause });
  }
}

async function decrypt(ticket: string, key: Uint8Array): Promise<unknown> {
  try {
    const { plaintext } = await compactDecrypt(ticket, key, {
      keyManagementAlgorithms: ["dir"],
      contentEncryptionAlgorithms: ["A256GCM"],
    });
    return JSON.parse(new TextDecoder().decode(plaintext));
  } catch (cause) {
    if (cause instanceof errors.JOSEError || cause instanceof SyntaxError || cause instanceof TypeError)
      throw new GatewayError("ticket_invalid", { cause });
    throw cause;
  }
}
