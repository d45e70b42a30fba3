/** What a probe can find that is not as it should be; each is a finding of wire/findings.ts. */
export type ProbeFinding =
  | "name_unresolved"
  | "resolver_silent"
  | "connect_refused"
  | "connect_silent"
  | "connect_unreachable"
  | "connect_cut"
  | "tls_none"
  | "tls_fails"
  | "tls_unfit"
  | "tls_own_authority"
  | "tls_unknown_authority"
  | "tls_chain_incomplete"
  | "tls_self_signed"
  | "tls_wrong_name"
  | "tls_expired"
  | "tls_not_yet"
  | "tls_ends_soon"
  | "page_status"
  | "page_redirected"
  | "page_other"
  | "page_gateway"
  | "websocket_not_passed"
  | "websocket_gateway"
  | "websocket_status"
  | "websocket_silent"
  | "websocket_other"
  | "websocket_origin"
  | "websocket_tls";

export type ProbeFacts = Readonly<Record<string, string>>;

/** A step came to its end before it found what it looked for. */
export class ProbeFailure extends Error {
  override readonly name = "ProbeFailure";
  readonly finding: ProbeFinding;
  readonly facts: ProbeFacts;

  constructor(finding: ProbeFinding, facts: ProbeFacts = {}, cause?: unknown) {
    super(finding, cause === undefined ? {} : { cause });
    this.finding = finding;
    this.facts = facts;
  }
}

const FINDINGS: Readonly<Record<string, ProbeFinding>> = {
  ECONNREFUSED: "connect_refused",
  ECONNRESET: "connect_cut",
  EPIPE: "connect_cut",
  ETIMEDOUT: "connect_silent",
  ENETUNREACH: "connect_unreachable",
  EHOSTUNREACH: "connect_unreachable",
  EADDRNOTAVAIL: "connect_unreachable",
};

/** What became of a connection that did not come about, or broke; the signal's reason where nobody wants to know any more. */
export function connectionFailure(error: unknown, signal: AbortSignal, facts: ProbeFacts = {}): unknown {
  if (error instanceof ProbeFailure) return error;
  if (signal.aborted && !isTimeout(signal.reason)) return signal.reason;
  if (isTimeout(error)) return new ProbeFailure("connect_silent", facts, error);
  const all = [error, ...(error instanceof AggregateError ? error.errors : [])].map(codeOf);
  const known = all.find((code) => code in FINDINGS) ?? "";
  const reason = all.find((code) => code !== "") ?? (error instanceof Error ? error.message : String(error));
  return new ProbeFailure(FINDINGS[known] ?? "connect_cut", { ...facts, reason }, error);
}

/** Whether the time for a step was over. */
export function isTimeout(error: unknown): boolean {
  return error instanceof DOMException && error.name === "TimeoutError";
}

export function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}
