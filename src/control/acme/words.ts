import { AcmeError, type AcmeFault, type AcmeProblem } from "#tls/acme/acme-error.ts";
import { GatewayError, printable } from "#wire/gateway-error.ts";

const limits = {
  /** Of the whole: what is longer is cut wherever it is shown. */
  characters: 300,
  /** Of what a peer says, however much there is to say beside it. */
  leastQuoted: 40,
} as const;

/** Why no certificate was issued, in words for people that say what to do, and how long the authority wants to be left alone. */
export interface Failure {
  readonly words: string;
  readonly retryAfterMs?: number | undefined;
}

export function failureOf(error: unknown): Failure {
  if (error instanceof AcmeError) {
    const { fault } = error;
    const retryAfterMs = fault.kind === "refused" ? fault.retryAfterMs : undefined;
    return { words: wordsOf(fault, retryAfterMs), retryAfterMs };
  }
  if (error instanceof GatewayError && error.detail !== undefined) return { words: error.detail };
  if (isTimeout(error))
    return {
      words: "the authority did not come to an end in time: if it stays so, ask it why, or take another",
    };
  return { words: "something went wrong inside Porthole: see control's log" };
}

/** While something is waited for, node:timers throws an AbortError, which has the signal's reason as its cause. */
function isTimeout(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return error.name === "TimeoutError" || (error.name === "AbortError" && isTimeout(error.cause));
}

function wordsOf(fault: AcmeFault, retryAfterMs: number | undefined): string {
  switch (fault.kind) {
    case "unreachable":
      return `the authority at ${fault.host} cannot be reached (${printable(fault.reason)}): see that control may connect to it`;
    case "untrusted":
      return `the authority at ${fault.host} shows a certificate that is not trusted (${printable(fault.reason)}): give the root of a private authority with “porthole acme configure --root FILE”`;
    case "malformed":
      return `the authority's answer is not ACME (${fault.what}): see that the directory URL is right`;
    case "terms":
      return around(
        "the authority's terms of service are not agreed to: read ",
        fault.url,
        ", then “porthole acme configure --agree-terms”",
      );
    case "binding":
      return "the authority wants accounts to be bound to one that it knows: get a key from it, then “porthole acme configure --eab-key-id ID --eab-hmac-file FILE”";
    case "no-challenge":
      return `the authority does not offer ${fault.challenge} for ${printable(fault.name)}: take the other one with “porthole acme configure --challenge”`;
    case "challenge":
      return unseen(fault);
    case "refused":
      return fault.problem === undefined
        ? silence(fault.status, retryAfterMs)
        : refusal(fault.problem, fault.status, retryAfterMs);
    default:
      return fault satisfies never;
  }
}

/** Of what answers, and does not say why. */
function silence(status: number, retryAfterMs: number | undefined): string {
  if (status === 0) return "the authority refuses the order, and does not say why";
  if (status === 429)
    return `the authority has been asked too much for now (HTTP ${status})${until(retryAfterMs)}`;
  if (status >= 500) return `the authority is out of order (HTTP ${status})${until(retryAfterMs)}`;
  return `what answers is no ACME (HTTP ${status}): see that the directory URL is right`;
}

function refusal(problem: AcmeProblem, status: number, retryAfterMs: number | undefined): string {
  const { type, detail } = problem;
  const says = (before: string, after: string) => quoting(`the authority ${before}: `, problem, after);
  switch (type) {
    case "rateLimited":
      return says("has issued or refused too much for now", until(retryAfterMs));
    case "accountDoesNotExist":
    case "unauthorized":
      return says(
        "refuses the account",
        "; see that the external account is right, if it wants one, or “porthole acme disable” and configure anew, for a new account",
      );
    case "invalidContact":
    case "unsupportedContact":
      return says("refuses the contact", "; change it with “porthole acme configure --contact ADDRESS”");
    case "externalAccountRequired":
      return wordsOf({ kind: "binding" }, undefined);
    case "userActionRequired":
      return wordsOf({ kind: "terms", url: problem.instance ?? detail }, undefined);
    case "caa":
      return says(
        "is forbidden to issue by CAA records",
        "; see the setting dns.caa, and those of the parent domain",
      );
    case "rejectedIdentifier":
      return says("issues nothing for this name", "");
    default:
      return says(
        `refuses (${printable(type)}${status === 0 ? "" : `, HTTP ${status}`})`,
        until(retryAfterMs),
      );
  }
}

function unseen(fault: Extract<AcmeFault, { kind: "challenge" }>): string {
  const { name, others, problem } = fault;
  const more = others.length === 0 ? " is" : ` and ${others.length} more are`;
  const before = `the authority could not see that ${printable(name)}${more} yours`;
  const after = `; ${hint(fault)}`;
  return problem === undefined
    ? `${before}, and does not say why${after}`
    : quoting(`${before}: `, problem, after);
}

function quoting(before: string, { detail, type }: AcmeProblem, after: string): string {
  return detail === "" ? around(before, type, after) : around(`${before}“`, detail, `”${after}`);
}

/** Cuts what a peer says, and not what to do. */
function around(before: string, said: string, after: string): string {
  const room = Math.max(limits.characters - before.length - after.length, limits.leastQuoted);
  const line = printable(said);
  return before + (line.length <= room ? line : `${line.slice(0, room - 1)}…`) + after;
}

function hint({ challenge, problem }: Extract<AcmeFault, { kind: "challenge" }>): string {
  if (problem?.type === "caa") return "see the setting dns.caa";
  if (challenge === "dns-01")
    return "see that the domain is delegated to control's name servers, which are open to all the world";
  if (problem?.type === "dns") return "see that this name leads to nodes for all the world";
  return "see that port 80 of this name leads to nodes for all the world, or take dns-01";
}

function until(retryAfterMs: number | undefined): string {
  if (retryAfterMs === undefined) return "";
  const minutes = Math.ceil(retryAfterMs / 60_000);
  return `; it asks to be left alone for ${minutes === 1 ? "a minute" : `${minutes} minutes`}`;
}
