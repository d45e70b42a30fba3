import { base64url, decodeProtectedHeader } from "jose";
import { type Static, Type } from "typebox";
import { Compile } from "typebox/schema";
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
  /** What it may be used for; absent: the console. */
  purpose: Type.Optional(Type.Literal("thumbnail")),
  /** Milliseconds since 1970, by control's clock. */
  issuedAt: Type.Integer(),
  expiresAt: Type.Integer(),
  /** SHA-256, base64url, of the extra token that must come beside the ticket. */
  extraHash: Type.Optional(Type.String()),
  /** The only address that the viewer may come from. */
  callerAddress: Type.Optional(Type.String()),
  /** W3C Trace Context of its issue, where traces are collected. */
  traceparent: Type.Optional(Type.String()),
});
export type TicketClaims = Static<typeof TicketClaims>;
const ticketClaims = Compile(TicketClaims);

/** What seals and opens tickets, and the `kid` by which they name it. */
export interface TicketKey {
  readonly kid: string;
  readonly aead: Aead;
}

/**
 * AES-256-GCM under one key, as the platform has it. Web Crypto, which is all that there is everywhere, hands each
 * ticket to another thread and back, and that takes many times longer than the ticket.
 */
interface Aead {
  seal(message: Opened): Sealed;
  /** Throws when anything was altered. */
  open(message: Omit<Opened, "plaintext"> & Sealed): Uint8Array;
}

interface Opened {
  readonly iv: Uint8Array;
  readonly additional: Uint8Array;
  readonly plaintext: Uint8Array;
}

interface Sealed {
  readonly ciphertext: Uint8Array;
  readonly tag: Uint8Array;
}

const limits = {
  /** Ours take about 500; a longer one is refused before anything is computed. */
  ticketCharacters: 4096,
} as const;

/** RFC 7518 §4.5 and §5.3: the key is used as it is, with an initialization vector of 96 bits. */
const ALGORITHM = { alg: "dir", enc: "A256GCM" } as const;
const IV_BYTES = 12;

/** As a certificate can carry it. */
const NODE_ID = /^[A-Za-z0-9._-]{1,64}$/;

export async function sealTicket(claims: TicketClaims, { kid, aead }: TicketKey): Promise<string> {
  const header = base64url.encode(JSON.stringify({ ...ALGORITHM, kid, node: claims.nodeId }));
  const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
  const plaintext = utf8(JSON.stringify(claims));
  const { ciphertext, tag } = aead.seal({ iv, additional: utf8(header), plaintext });
  const encryptedKey = ""; // There is none with `dir`.
  return [header, encryptedKey, ...[iv, ciphertext, tag].map(base64url.encode)].join(".");
}

/**
 * The node that a ticket says it is for, in the clear, so that any node of the pool can hand it on. Whoever opens the ticket
 * has it authenticated; until then it is what somebody says. `undefined` for what is no ticket at all.
 */
export function ticketNode(ticket: string): string | undefined {
  if (ticket.length > limits.ticketCharacters) return undefined;
  try {
    const { node } = readHeader(ticket);
    return typeof node === "string" && NODE_ID.test(node) ? node : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Opens a ticket with one of the node's own keys: that which it names. Throws `ticket_foreign` when it was sealed for another node or
 * incarnation, `ticket_invalid` for everything else that is wrong with it. Does not judge time: see the node.
 */
export async function openTicket(ticket: string, ...keys: readonly TicketKey[]): Promise<TicketClaims> {
  if (ticket.length > limits.ticketCharacters) throw new GatewayError("ticket_invalid");
  const header = readHeader(ticket);
  const key = keys.find(({ kid }) => kid === header.kid);
  if (key === undefined) throw new GatewayError("ticket_foreign");
  if (header.alg !== ALGORITHM.alg || header.enc !== ALGORITHM.enc || header.crit !== undefined)
    throw new GatewayError("ticket_invalid");
  const claims = decrypt(ticket, key.aead);
  if (!ticketClaims.Check(claims)) throw new GatewayError("ticket_invalid");
  return claims;
}

function readHeader(ticket: string): ReturnType<typeof decodeProtectedHeader> {
  try {
    return decodeProtectedHeader(ticket);
  } catch (cause) {
    throw new GatewayError("ticket_invalid", { cause });
  }
}

/** RFC 7516 §7.1: header, encrypted key, initialization vector, ciphertext, tag. */
function decrypt(ticket: string, aead: Aead): unknown {
  const [header = "", encryptedKey, ...rest] = ticket.split(".");
  if (encryptedKey !== "" || rest.length !== 3) throw new GatewayError("ticket_invalid");
  try {
    const [iv, ciphertext, tag] = rest.map(base64url.decode);
    if (iv?.length !== IV_BYTES || ciphertext === undefined || tag === undefined)
      throw new Error("not of the lengths that A256GCM has");
    return JSON.parse(new TextDecoder().decode(aead.open({ iv, additional: utf8(header), ciphertext, tag })));
  } catch (cause) {
    throw new GatewayError("ticket_invalid", { cause });
  }
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
