import { AcmeError } from "#tls/acme/acme-error.ts";

const limits = {
  /** Of one attempt: each shows the authority what it could not see in the one before. */
  orders: 3,
} as const;

/** What came of an attempt. */
export interface SeenIssue<Certificate> {
  readonly certificate: Certificate;
  readonly names: readonly string[];
  /** Why it is not for all that was wanted. */
  readonly unseen: AcmeError | undefined;
}

/**
 * Orders for all names, and, by http-01, again without those that the authority could not see: a node that it does not get to
 * would else keep the others from theirs. `isWorth` says whether a certificate for the rest is wanted. Throws what the last order
 * that was made threw.
 */
export async function issueForSeen<Certificate>(
  wanted: readonly string[],
  {
    issue,
    isWorth,
  }: {
    readonly issue: (names: readonly string[]) => Promise<Certificate>;
    readonly isWorth: (names: readonly string[]) => boolean;
  },
): Promise<SeenIssue<Certificate>> {
  let names = wanted;
  let unseen: AcmeError | undefined;
  for (let orders = 1; ; orders++)
    try {
      return { certificate: await issue(names), names, unseen };
    } catch (error) {
      const rest = restAfter(error, names);
      if (rest.length === 0 || rest.length === names.length) throw error;
      if (orders === limits.orders || !isWorth(rest)) throw error;
      if (error instanceof AcmeError) unseen = error;
      names = rest;
    }
}

/** Of one that is for a whole domain nothing is left out: what is wrong there is wrong for all of it. */
function restAfter(error: unknown, names: readonly string[]): readonly string[] {
  if (!(error instanceof AcmeError) || error.fault.kind !== "challenge") return names;
  const { challenge, name, others } = error.fault;
  if (challenge !== "http-01") return names;
  return names.filter((each) => each !== name && !others.includes(each));
}
