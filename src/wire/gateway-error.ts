import { ERRORS, type ErrorCode } from "./errors.ts";

/** An error in the form that APIs send: `{"error": {…}}`. `detail` names the thing at fault; it holds no secret. */
export interface PublicError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly remedy: string;
  readonly retryable: boolean;
  readonly detail?: string;
  /** Everything that is wrong, where that is more than one thing; `detail` has the beginning of it. */
  readonly problems?: readonly string[];
  readonly reference?: string;
}

const limits = {
  /** Details may quote a peer (a hypervisor's reason, a parameter's name); longer ones are cut. */
  detailCharacters: 300,
  /** Of what is wrong with one thing. */
  problems: 50,
} as const;

interface GatewayErrorOptions {
  readonly cause?: unknown;
  /** What exactly was wrong, fit for the public. */
  readonly detail?: string | undefined;
  /** In place of a detail: everything that was wrong, each as a fragment. */
  readonly problems?: readonly string[] | undefined;
  /** What a person quotes to the operator: the session's id, where one is known. */
  readonly reference?: string | undefined;
}

/** The one error that everything above the protocols throws. Its code says all that the public is told. */
export class GatewayError extends Error {
  override readonly name = "GatewayError";
  readonly code: ErrorCode;
  readonly detail: string | undefined;
  readonly problems: readonly string[] | undefined;
  readonly reference: string | undefined;

  constructor(code: ErrorCode, options: GatewayErrorOptions = {}) {
    const said = options.detail ?? options.problems?.join("; ");
    const detail = said === undefined ? undefined : printable(said);
    super(
      detail === undefined ? code : `${code}: ${detail}`,
      options.cause === undefined ? {} : { cause: options.cause },
    );
    this.code = code;
    this.detail = detail;
    this.problems = options.problems?.slice(0, limits.problems).map(printable);
    this.reference = options.reference;
  }

  get status(): number {
    return ERRORS[this.code].status;
  }

  /** The form for an API body. `reference` is that of the request, where the error has none of its own. */
  toPublic(request?: string): PublicError {
    const reference = this.reference ?? request;
    const { meaning, remedy, retryable } = ERRORS[this.code];
    return {
      code: this.code,
      message: meaning,
      remedy,
      retryable,
      ...(this.detail === undefined ? {} : { detail: this.detail }),
      ...(this.problems === undefined ? {} : { problems: this.problems }),
      ...(reference === undefined ? {} : { reference }),
    };
  }
}

/** Turns whatever was thrown into a GatewayError; what is not known becomes `internal`, with the cause kept. */
export function toGatewayError(error: unknown): GatewayError {
  return error instanceof GatewayError ? error : new GatewayError("internal", { cause: error });
}

/** Text from a peer, made safe to show and to log: one line, no control or direction characters, cut to a length. */
export function printable(text: string): string {
  const line = oneLine(text);
  return line.length <= limits.detailCharacters ? line : `${line.slice(0, limits.detailCharacters)}…`;
}

/** The same, however long it is. */
export function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]+/gu, " ").trim();
}
