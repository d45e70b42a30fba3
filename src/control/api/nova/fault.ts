import { ERRORS } from "#wire/errors.ts";
import type { GatewayError } from "#wire/gateway-error.ts";

/** Under which name a fault stands in its body; any other status is a `computeFault`. */
const NAMES: Readonly<Record<number, string>> = {
  400: "badRequest",
  401: "unauthorized",
  403: "forbidden",
  404: "itemNotFound",
  405: "badMethod",
  409: "conflictingRequest",
  413: "overLimit",
  415: "badMediaType",
  429: "overLimit",
  501: "notImplemented",
  503: "serviceUnavailable",
};

const RETRY_AFTER_SECONDS: Readonly<Record<number, string>> = { 429: "60", 503: "5" };

/** An error in Nova's own terms. The text is for the caller, in Nova's words where Nova has some. */
export class NovaFault extends Error {
  override readonly name = "NovaFault";
  readonly status: number;

  constructor(status: number, text: string) {
    super(text);
    this.status = status;
  }

  get retryAfter(): string | undefined {
    return RETRY_AFTER_SECONDS[this.status];
  }

  /** Nova's body of faults; the middleware before Nova, which refuses credentials, has its own. */
  get body(): unknown {
    const { status: code, message, retryAfter } = this;
    if (code === 401) return { error: { code, title: "Unauthorized", message } };
    return {
      [NAMES[code] ?? "computeFault"]: {
        code,
        message,
        ...(NAMES[code] === "overLimit" && retryAfter !== undefined && { retryAfter }),
      },
    };
  }
}

export const FAULTS = {
  unauthenticated: () => new NovaFault(401, "The request you have made requires authentication."),
  /** As the middleware before Nova says it. */
  keystoneUnavailable: () => new NovaFault(503, "The Keystone service is temporarily unavailable."),
  unknownPath: () => new NovaFault(404, "The resource could not be found."),
  unknownServer: (id: string) => new NovaFault(404, `Instance ${shown(id)} could not be found.`),
  policy: (rule: string) =>
    new NovaFault(403, `Policy doesn't allow os_compute_api:${rule} to be performed.`),
  malformed: () => new NovaFault(400, "Malformed request body"),
  mediaType: () => new NovaFault(415, "Unsupported Content-Type"),
  notReady: (id: string) => new NovaFault(409, `Instance ${shown(id)} is not ready`),
  noConsole: () => new NovaFault(404, "Guest does not have a console available."),
  unavailable: (type: string) => new NovaFault(400, `Unavailable console type ${type}.`),
  wrongType: (type: string) => new NovaFault(400, `Invalid console type ${type}`),
  badRequest: () =>
    new NovaFault(
      400,
      "The server could not comply with the request since it is either malformed or otherwise incorrect.",
    ),
} as const;

const limits = {
  /** Of what a caller sent, where it is said back; ids are a fraction of it. */
  shownCharacters: 255,
} as const;

function shown(text: string): string {
  return text.slice(0, limits.shownCharacters).toWellFormed();
}

/** For what a call did not expect, in the catalogue's words; what is the operator's to know has a reference. */
export function fromCatalogue(error: GatewayError, reference: string): NovaFault {
  const { meaning, remedy } = ERRORS[error.code];
  const detail = error.detail === undefined ? "" : ` (${error.detail})`;
  switch (error.code) {
    case "unauthenticated":
      return FAULTS.unauthenticated();
    case "not_found":
      return FAULTS.unknownPath();
    case "media_type_unsupported":
      return FAULTS.mediaType();
    case "internal":
      return new NovaFault(
        500,
        `Unexpected API Error. ${meaning} Tell your operator, with the reference ${reference}.`,
      );
    default:
      return new NovaFault(error.status, `${meaning}${detail} ${remedy}`);
  }
}
