import type { ErrorCode } from "#wire/errors.ts";
import { ERRORS } from "#wire/errors.ts";

/** What a script can tell from the exit status, with the sentence that docs/cli.md gives for it. */
export const EXIT = {
  done: { status: 0, meaning: "It was done." },
  failed: { status: 1, meaning: "It failed for a reason that no other status names." },
  usage: { status: 2, meaning: "The command line, its configuration or a value in it is wrong." },
  notFound: { status: 3, meaning: "What was named does not exist, or is not yours to see." },
  refused: { status: 4, meaning: "The API key is wrong, or its account may not do that." },
  unavailable: {
    status: 5,
    meaning: "Control cannot be reached, or cannot do it just now; the same may work later.",
  },
  unhealthy: { status: 6, meaning: "`porthole doctor` found something that fails, and has printed it." },
} as const;

export type Exit = keyof typeof EXIT;

/** What a command ends with when it cannot do what it was told: words for a person, a status for a script. */
export class CliFailure extends Error {
  override readonly name = "CliFailure";
  readonly exit: Exit;
  /** The next command to try, or what else to do. */
  readonly remedy: string | undefined;
  readonly code: ErrorCode | undefined;
  readonly reference: string | undefined;

  constructor(
    exit: Exit,
    message: string,
    options: {
      readonly remedy?: string | undefined;
      readonly code?: ErrorCode | undefined;
      readonly reference?: string | undefined;
      readonly cause?: unknown;
    } = {},
  ) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.exit = exit;
    this.remedy = options.remedy;
    this.code = options.code;
    this.reference = options.reference;
  }
}

/** The class of an error that control answered with. */
export function exitOf(code: ErrorCode): Exit {
  const { status, retryable } = ERRORS[code];
  if (status === 401 || status === 403) return "refused";
  if (status === 404 || status === 410) return "notFound";
  if (code === "request_invalid" || code === "certificate_refused" || status === 413) return "usage";
  return retryable ? "unavailable" : "failed";
}
