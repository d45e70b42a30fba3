import { createHash, timingSafeEqual } from "node:crypto";
import type { Clock } from "#base/clock.ts";
import { type Span, type Tracing, traced } from "#base/process/tracing/tracing.ts";
import { canonicalAddress } from "#wire/address.ts";
import type { ErrorCode } from "#wire/errors.ts";
import { GatewayError, toGatewayError } from "#wire/gateway-error.ts";
import type { Grant } from "#wire/grant.ts";
import type { RedeemRequest, SessionReport } from "#wire/link.ts";
import { isNovaToken, type NovaConsole, type RedeemNovaRequest } from "#wire/link-nova.ts";
import type { TicketRefusal } from "#wire/link-refusals.ts";
import { openTicket, type TicketClaims, type TicketKey } from "#wire/ticket.ts";
import type { Whereabouts } from "#wire/trusted-proxies.ts";
import { codeOf } from "../observe/observing.ts";
import { endingOf } from "./ending.ts";
import { UsedTickets } from "./used-tickets.ts";

/** Ways in which a redemption fails without control having said no: it may have redeemed, and nobody heard it. */
const UNHEARD: ReadonlySet<ErrorCode> = new Set([
  "control_unreachable",
  "database_unavailable",
  "node_stopping",
  "internal",
]);

/** The link, as far as admission needs it. */
export interface AdmissionLink {
  /** Control's, by which tickets are judged. */
  readonly clock: Clock;
  readonly incarnation: string;
  /** What this node was told when it registered; undefined before. */
  readonly registered:
    | { readonly nodeId: string; readonly ticketKeys: { readonly keys: readonly TicketKey[] } }
    | undefined;
  /** Whether control stands in front of a Nova. */
  readonly settings: { readonly takesNovaTokens: boolean } | undefined;
  redeem(request: Omit<RedeemRequest, "incarnation" | "nonce">): Promise<Grant>;
  redeemNova(request: Omit<RedeemNovaRequest, "incarnation" | "nonce">): Promise<Grant>;
  report(report: SessionReport): void;
  /** For the audit log. */
  noteRefusal(refusal: Omit<TicketRefusal, "at">): void;
}

/** What somebody shows at the door. */
export interface Credentials {
  readonly ticket: string | undefined;
  /** The extra token, in every way in which it may be meant. */
  readonly extras: readonly string[];
  readonly viewer: Whereabouts;
  /** What it takes its console for, where the ticket is a token of the Nova that control stands in front of. */
  readonly novaConsole?: NovaConsole;
}

/**
 * Judges tickets. What the node can see by itself it judges first, so that a wrong extra token, address or node
 * never spends a ticket; then control redeems it, and fails closed: without control's answer nothing opens, and the
 * ticket is spent, since control may have redeemed it.
 */
export class Admission {
  readonly #link: AdmissionLink;
  readonly #used = new UsedTickets();

  readonly #tracing: Tracing | undefined;

  constructor(link: AdmissionLink, tracing?: Tracing) {
    this.#link = link;
    this.#tracing = tracing;
  }

  /**
   * Throws a GatewayError that says what is wrong with the ticket, or what control said; once it is open, whose. A ticket
   * for something else than `purpose` is not spent.
   */
  async admit(credentials: Credentials, purpose?: TicketClaims["purpose"]): Promise<Grant> {
    const { ticket, novaConsole } = credentials;
    if (purpose === undefined && novaConsole !== undefined && ticket !== undefined && this.#isNovas(ticket))
      return await this.#link.redeemNova({
        token: ticket,
        console: novaConsole,
        viewerAddress: credentials.viewer.address,
      });
    const claims = await this.#open(ticket);
    if (claims.purpose !== purpose) throw new GatewayError("ticket_invalid");
    try {
      return await this.#redeem(claims, credentials);
    } catch (thrown) {
      const { code, detail, cause } = toGatewayError(thrown);
      throw new GatewayError(code, { detail, cause, reference: claims.sessionId });
    }
  }

  #isNovas(ticket: string): boolean {
    return this.#link.settings?.takesNovaTokens === true && isNovaToken(ticket);
  }

  async #redeem(claims: TicketClaims, credentials: Credentials): Promise<Grant> {
    this.#judge(claims, credentials);
    const { sessionId, attachment, purpose, traceparent } = claims;
    const viewerAddress = credentials.viewer.address;
    // A ticket without a trace was issued where nobody collects them.
    const span = traceparent === undefined ? undefined : this.#startSpan(sessionId, traceparent);
    try {
      const grant = await traced(
        span,
        async () =>
          await this.#link.redeem({
            sessionId,
            attachment,
            viewerAddress,
            ...(purpose === undefined ? {} : { purpose }),
            ...(span === undefined ? {} : { traceparent: span.traceparent }),
          }),
        codeOf,
      );
      return traceparent === undefined ? grant : { ...grant, traceparent };
    } catch (error) {
      if (UNHEARD.has(toGatewayError(error).code)) this.#reportEnded(claims, error);
      throw error;
    }
  }

  /** What the node can see by itself, and tells control of: who asks control is told of there. Spends the ticket. */
  #judge(claims: TicketClaims, credentials: Credentials): void {
    const { clock, registered, incarnation } = this.#link;
    const { sessionId, attachment, expiresAt, purpose } = claims;
    try {
      if (claims.nodeId !== registered?.nodeId || claims.incarnation !== incarnation)
        throw new GatewayError("ticket_foreign");
      const ticket = `${sessionId} ${attachment}`;
      if (this.#used.has(ticket)) throw new GatewayError("ticket_used");
      if (expiresAt <= clock.now()) throw new GatewayError("ticket_expired");
      checkBindings(claims, credentials);
      if (!this.#used.take(ticket, expiresAt, clock.now())) throw new GatewayError("ticket_used");
    } catch (error) {
      const { code } = toGatewayError(error);
      // Who looks at pictures is told of where they are issued.
      if (purpose === undefined)
        this.#link.noteRefusal({ sessionId, code, viewerAddress: credentials.viewer.address });
      throw error;
    }
  }

  #startSpan(sessionId: string, parent: string): Span | undefined {
    const attributes = { "porthole.session.id": sessionId };
    return this.#tracing?.start("redeem", { parent, kind: "client", attributes });
  }

  /** Control ends what it had redeemed, and takes no notice of what it had not. */
  #reportEnded({ sessionId, attachment }: TicketClaims, error: unknown): void {
    this.#link.report({
      sessionId,
      attachment,
      at: this.#link.clock.now(),
      state: "ended",
      ending: endingOf(error, { session: sessionId, wasOpen: false }),
      bytesToViewer: 0,
      bytesFromViewer: 0,
    });
  }

  async #open(ticket: string | undefined): Promise<TicketClaims> {
    if (ticket === undefined) throw new GatewayError("ticket_missing");
    const { registered } = this.#link;
    if (registered === undefined) throw new GatewayError("control_unreachable");
    return await openTicket(ticket, ...registered.ticketKeys.keys);
  }
}

/** What is to be mended where a ticket's address can fit nobody, since all viewers seem to have one. */
const DOUBTS: Readonly<Record<NonNullable<Whereabouts["doubt"]>, string>> = {
  "no header": "the front proxy sent no X-Forwarded-For header, which would say where the viewer is",
  "not trusted": "an X-Forwarded-For header came from an address that --trusted-proxies does not name",
};

function checkBindings(claims: TicketClaims, { extras, viewer }: Credentials): void {
  const { extraHash } = claims;
  if (extraHash !== undefined && !extras.some((extra) => fitsHash(extra, extraHash)))
    throw new GatewayError("extra_token_mismatch");
  if (claims.callerAddress !== undefined && canonicalAddress(claims.callerAddress) !== viewer.address)
    throw new GatewayError("caller_address_mismatch", {
      detail: viewer.doubt === undefined ? undefined : DOUBTS[viewer.doubt],
    });
}

/** In constant time, whatever was given. */
function fitsHash(extra: string, expected: string): boolean {
  const given = createHash("sha256").update(extra).digest();
  const wanted = Buffer.from(expected, "base64url");
  return wanted.length === given.length && timingSafeEqual(given, wanted);
}
