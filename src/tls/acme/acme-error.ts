/** What an authority said in a problem document (RFC 8555 §6.7), or in the `error` of an order or a challenge. */
export interface AcmeProblem {
  /** The last part of its type, such as `rateLimited`. */
  readonly type: string;
  /** Of the peer: whoever shows it cleans it. */
  readonly detail: string;
  /** Where a person reads on, as for terms that have changed. */
  readonly instance?: string | undefined;
}

/** Why an authority issued nothing. */
export type AcmeFault =
  /** No answer came; `reason` is a code such as ECONNREFUSED. */
  | { readonly kind: "unreachable"; readonly host: string; readonly reason: string }
  /** One came from somebody whose certificate is not believed. */
  | { readonly kind: "untrusted"; readonly host: string; readonly reason: string }
  | { readonly kind: "malformed"; readonly what: string }
  | { readonly kind: "terms"; readonly url: string }
  | { readonly kind: "binding" }
  | { readonly kind: "no-challenge"; readonly name: string; readonly challenge: string }
  | {
      readonly kind: "challenge";
      readonly name: string;
      /** Of the same order, which the authority could not see either. */
      readonly others: readonly string[];
      readonly challenge: string;
      readonly problem: AcmeProblem | undefined;
    }
  | {
      readonly kind: "refused";
      /** Of HTTP; 0 where the answer was an order that has failed. */
      readonly status: number;
      /** `undefined` where it did not say why, or did not speak ACME. */
      readonly problem: AcmeProblem | undefined;
      readonly retryAfterMs?: number | undefined;
    };

/** The one error of the protocol's client. */
export class AcmeError extends Error {
  override readonly name = "AcmeError";
  readonly fault: AcmeFault;

  constructor(fault: AcmeFault, options: { readonly cause?: unknown } = {}) {
    super(`ACME: ${fault.kind}`, options);
    this.fault = fault;
  }

  isRefusal(...types: readonly string[]): boolean {
    return this.fault.kind === "refused" && types.includes(this.fault.problem?.type ?? "");
  }
}
