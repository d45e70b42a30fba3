import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Clock } from "#base/clock.ts";
import type { ScreenSize } from "#protocols/rfb/snapshot.ts";
import { GatewayError, toGatewayError } from "#wire/gateway-error.ts";
import type { Grant } from "#wire/grant.ts";
import type { SessionReport } from "#wire/link.ts";
import type { Credentials } from "../console/admission.ts";
import { endingOf } from "../console/ending.ts";
import { readCredentials, readOffers } from "../console/upgrade-request.ts";
import type { Peer } from "../forward/peers.ts";
import { answer } from "../http/answer.ts";
import { viewerOf } from "../http/viewer-address.ts";
import type { NodeMeters } from "../observe/observing.ts";
import { LARGEST, type Shoot, Shots } from "./shots.ts";

const limits = {
  /** Pictures that are waited for at once. */
  pending: 32,
} as const;

/** Of a side, in pixels, and what CloudStack's pages ask for. */
const SIDES = {
  w: { most: LARGEST.width, usual: 144 },
  h: { most: LARGEST.height, usual: 110 },
} as const;
const LEAST_PIXELS = 16;

export interface ThumbnailsOptions {
  readonly clock: Clock;
  readonly shoot: Shoot;
  readonly headers: () => OutgoingHttpHeaders;
  /** The other node that a ticket is meant for; `undefined` where it is to be judged here. */
  readonly addressee: (ticket: string | undefined, socket: Socket) => Promise<Peer | undefined>;
  /** Lets it answer. Throws a GatewayError where it does not. */
  readonly forward: (request: IncomingMessage, response: ServerResponse, peer: Peer) => Promise<void>;
  /** Throws a GatewayError for a ticket that is not for this. */
  readonly admit: (credentials: Credentials) => Promise<Grant>;
  readonly report: (report: SessionReport) => void;
  readonly meters?: NodeMeters | undefined;
}

/** Small pictures of screens, for whoever has a ticket for one: `?token=…&w=…&h=…`. */
export class Thumbnails {
  readonly #options: ThumbnailsOptions;
  readonly #shots: Shots;
  #pending = 0;

  constructor(options: ThumbnailsOptions) {
    this.#options = options;
    this.#shots = new Shots(options.shoot);
  }

  /** Gives up what is being made, and makes no more. Resolves when nobody waits any longer. */
  async stop(): Promise<void> {
    await this.#shots.stop(new GatewayError("node_stopping"));
  }

  /** Throws the GatewayError with which it is refused. */
  async handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const credentials = {
      ...readCredentials(request.url, readOffers(undefined)),
      viewer: viewerOf(request),
    };
    const { box, addressee } = await this.#orCount(
      async () => await this.#whoseAndHowLarge(request, credentials),
    );
    if (addressee !== undefined) return await this.#options.forward(request, response, addressee);
    this.#pending += 1;
    try {
      const body = await this.#picture(credentials, box);
      const headers = {
        ...this.#options.headers(),
        // Dashboards of other origins show it, which need a ticket for it.
        "cross-origin-resource-policy": "cross-origin",
        "cache-control": "no-store",
        "content-type": "image/png",
      };
      answer(request, response, { status: 200, headers, body: Buffer.from(body) });
    } finally {
      this.#pending -= 1;
    }
  }

  async #whoseAndHowLarge(request: IncomingMessage, { ticket }: Credentials) {
    const { searchParams: query } = new URL(request.url ?? "/", "http://node");
    const box = { width: side(query, "w"), height: side(query, "h") };
    // Before it counts: anybody can write a node's name into a ticket that is none, and control is asked for it.
    const addressee = await this.#options.addressee(ticket, request.socket);
    if (addressee === undefined && this.#pending >= limits.pending) throw new GatewayError("node_full");
    return { box, addressee };
  }

  /** What is refused before there is a session is told by nobody else. */
  async #orCount<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      const reason = toGatewayError(error).code;
      this.#options.meters?.add("porthole_node_refusals_total", { reason });
      throw error;
    }
  }

  async #picture(credentials: Credentials, box: ScreenSize): Promise<Uint8Array> {
    const grant = await this.#orCount(async () => await this.#options.admit(credentials));
    try {
      const png = await this.#shots.png(grant, box);
      this.#report(grant, new GatewayError("viewer_closed"));
      return png;
    } catch (error) {
      this.#report(grant, error);
      throw error;
    }
  }

  #report({ sessionId, attachment }: Grant, reason: unknown): void {
    const { clock, report } = this.#options;
    report({
      sessionId,
      attachment,
      at: clock.now(),
      state: "ended",
      ending: endingOf(reason, { session: sessionId, wasOpen: false }),
      bytesToViewer: 0,
      bytesFromViewer: 0,
    });
  }
}

function side(query: URLSearchParams, name: keyof typeof SIDES): number {
  const { most, usual } = SIDES[name];
  const text = query.get(name);
  if (text === null) return usual;
  const pixels = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (pixels < LEAST_PIXELS)
    throw new GatewayError("request_invalid", { detail: `${name}: from ${LEAST_PIXELS} to ${most} pixels` });
  return Math.min(pixels, most);
}
