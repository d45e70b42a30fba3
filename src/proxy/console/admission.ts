import { createHash, timingSafeEqual } from "node:crypto";
import type { Clock } from "#base/clock.ts";
import { canonicalAddress } from "#wire/address.ts";
import { GatewayError, toGatewayError } from "#wire/gateway-error.ts";
import type { Grant } from "#wire/grant.ts";
import type { RedeemRequest } from "#wire/link.ts";
import { openTicket, type TicketClaims, type TicketKey } from "#wire/ticket.ts";
import { UsedTickets } from "./used-tickets.ts";

/** The link, as far as admission needs it. */
export interface AdmissionLink {
  /** Control's, by which tickets are judged. */
  readonly clock: Clock;
  readonly incarnation: string;
  /** What this node was told when it registered; undefined before. */
  readonly registered: { readonly nodeId: string; readonly ticketKey: TicketKey } | undefined;
  redeem(request: Omit<RedeemRequest, "incarnation">): Promise<Grant>;
}

/** What somebody shows at the door. `viewerAddress` is in its canonical spelling. */
export interface Credentials {
  readonly ticket: string | undefined;
  readonly extra: string | undefined;
  readonly viewerAddress: string;
}

/**
 * Judges tickets. What the node can see by itself it judges first, so that a wrong extra token, address or node
 * never spends a ticket; then control redeems it, and fails closed: without control's answer nothing opens.
 */
export class Admission {
  readonly #link: AdmissionLink;
  readonly #used = new UsedTickets();

  constructor(link: AdmissionLink) {
    this.#link = link;
  }

  /** Throws a GatewayError that says what is wrong with the ticket, or what control said. */
  async admit(credentials: Credentials): Promise<Grant> {
    const { clock } = this.#link;
    const claims = await this.#open(credentials.ticket);
    const ticket = `${claims.sessionId} ${claims.attachment}`;
    if (this.#used.has(ticket)) throw new GatewayError("ticket_used");
    if (claims.expiresAt <= clock.now()) throw new GatewayError("ticket_expired");
    checkBindings(claims, credentials);
    if (!this.#used.take(ticket, claims.expiresAt, clock.now())) throw new GatewayError("ticket_used");
    const { sessionId, attachment } = claims;
    try {
      return await this.#link.redeem({ sessionId, attachment, viewerAddress: credentials.viewerAddress });
    } catch (error) {
      // Whether control heard of it is unknown, so a second try is control's to judge, not ours.
      if (toGatewayError(error).code === "control_unreachable") this.#used.giveBack(ticket);
      throw error;
    }
  }

  async #open(ticket: string | undefined): Promise<TicketClaims> {
    if (ticket === undefined) throw new GatewayError("ticket_missing");
    const { registered, incarnation } = this.#link;
    if (registered === undefined) throw new GatewayError("control_unreachable");
    const claims = await openTicket(ticket, registered.ticketKey);
    if (claims.nodeId !== registered.nodeId || claims.incarnation !== incarnation)
      throw new GatewayError("ticket_foreign");
    return claims;
  }
}

function checkBindings(claims: TicketClaims, { extra, viewerAddress }: Credentials): void {
  if (claims.extraHash !== undefined && !fitsHash(extra, claims.extraHash))
    throw new GatewayError("extra_token_mismatch");
  if (claims.callerAddress !== undefined && canonicalAddress(claims.callerAddress) !== viewerAddress)
    throw new GatewayError("caller_address_mismatch");
}

/** In constant time, whatever was given. */
function fitsHash(extra: string | undefined, expected: string): boolean {
  const given = createHash("sha256")
    .update(extra ?? "")
    .digest();
  const wanted = Buffer.from(expected, "base64url");
  return extra !== undefined && wanted.length === given.length && timingSafeEqual(given, wanted);
}
