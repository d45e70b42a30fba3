import { STATUS_CODES } from "node:http";
import type { Log } from "#base/process/log.ts";
import { ERRORS } from "#wire/errors.ts";
import type { GatewayError } from "#wire/gateway-error.ts";
import { fromFramework, logProblem } from "../http-errors.ts";

/** An error as Keystone writes it. */
export class IdentityFault extends Error {
  override readonly name = "IdentityFault";
  readonly status: number;

  constructor(status: number, text: string) {
    super(text);
    this.status = status;
  }

  /** The one answer to every doubt about who asks, so that nothing can be told from it. */
  static unauthenticated(): IdentityFault {
    return new IdentityFault(401, "The request you have made requires authentication.");
  }

  get body(): unknown {
    const { status: code, message } = this;
    return { error: { code, title: STATUS_CODES[code] ?? "Error", message } };
  }
}

/** Whatever was thrown, as it is answered; of what nobody expected the log tells more. */
export function toFault(
  error: unknown,
  { log, reference }: { readonly log: Log; readonly reference: string },
): IdentityFault {
  if (error instanceof IdentityFault) return error;
  const problem = fromFramework(error);
  logProblem(log, problem, reference);
  return fromCatalogue(problem, reference);
}

function fromCatalogue(error: GatewayError, reference: string): IdentityFault {
  const { meaning, remedy } = ERRORS[error.code];
  if (error.code === "unauthenticated") return IdentityFault.unauthenticated();
  if (error.status < 500) return new IdentityFault(error.status, `${meaning} ${remedy}`);
  return new IdentityFault(error.status, `${meaning} ${remedy} Reference: ${reference}`);
}
