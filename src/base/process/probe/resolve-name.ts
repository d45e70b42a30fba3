import { lookup, Resolver } from "node:dns/promises";
import { isIP } from "node:net";
import { codeOf, isTimeout, ProbeFailure } from "./probe-failure.ts";

/** The addresses of a name, in the order in which they are tried. Throws a ProbeFailure. */
export type ResolveName = (name: string, signal: AbortSignal) => Promise<readonly string[]>;

const limits = {
  /** Of one name; the rest is of no interest. */
  addresses: 8,
} as const;

/** Asks what browsers ask: the system, with its own list of hosts. */
export const systemNames: ResolveName = async (name, signal) => {
  if (isIP(name) !== 0) return [name];
  return await bounded(signal, async () => {
    const found = await lookup(name, { all: true, order: "verbatim" });
    return found.map(({ address }) => address);
  });
};

/** Asks one name server, HOST:PORT, in place of the system. */
export function namesOf(server: string): ResolveName {
  return async (name, signal) => {
    if (isIP(name) !== 0) return [name];
    const resolver = new Resolver({ timeout: 2_000, tries: 2 });
    resolver.setServers([server]);
    const cancel = () => resolver.cancel();
    signal.addEventListener("abort", cancel, { once: true });
    try {
      return await bounded(signal, async () => await bothFamilies(resolver, name));
    } finally {
      signal.removeEventListener("abort", cancel);
    }
  };
}

/** Of the two families one may have none. */
async function bothFamilies(resolver: Resolver, name: string): Promise<readonly string[]> {
  const answers = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
  const addresses = answers.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []));
  if (addresses.length > 0) return addresses;
  const reasons = answers.flatMap((answer) => (answer.status === "rejected" ? [answer.reason] : []));
  throw reasons.find((reason) => !isUnknown(reason)) ?? reasons[0];
}

/** The system's look-up cannot be cancelled: what comes of it later is of no interest. */
async function bounded(
  signal: AbortSignal,
  look: () => Promise<readonly string[]>,
): Promise<readonly string[]> {
  const gone = Promise.withResolvers<never>();
  const abort = () => gone.reject(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener("abort", abort, { once: true });
  try {
    const addresses = await Promise.race([look(), gone.promise]);
    return addresses.slice(0, limits.addresses);
  } catch (error) {
    if (isTimeout(error)) throw new ProbeFailure("resolver_silent", {}, error);
    signal.throwIfAborted();
    const reason = codeOf(error);
    throw new ProbeFailure(isUnknown(error) ? "name_unresolved" : "resolver_silent", { reason }, error);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

function isUnknown(error: unknown): boolean {
  return ["ENOTFOUND", "ENODATA"].includes(codeOf(error));
}
