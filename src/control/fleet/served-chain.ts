import { hash } from "node:crypto";

/** How a chain stands in `certificate_names` of a node that serves one that was uploaded, in place of names. */
const PREFIX = "chain ";

/** By which a chain is known: one that was mended has the same leaf. SHA-256 of it as PEM, in hexadecimal. */
export function chainId(chain: string): string {
  return hash("sha256", chain);
}

export function chainNote(id: string): string {
  return PREFIX + id;
}

/** The id of the chain that was noted; `undefined` where the names of a default certificate were. */
export function notedChain(names: string | null): string | undefined {
  return names?.startsWith(PREFIX) === true ? names.slice(PREFIX.length) : undefined;
}
