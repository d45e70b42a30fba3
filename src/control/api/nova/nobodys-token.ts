import { readFileSync } from "node:fs";

/** What keystoneauth's plugin `none` sends as its token. A page of some site could not: browsers ask before they send such a header. */
const NOTHING = "notused";

/** By which token a client acts that has none. */
export type NobodysToken = () => string | undefined;

/** Reads it anew each time, so that it may be written, changed and taken away while control runs; `undefined` while it is not there. */
export function nobodysTokenOf(file: string): NobodysToken {
  return () => {
    try {
      const token = readFileSync(file, "utf8").trim();
      return token === "" ? undefined : token;
    } catch {
      return undefined;
    }
  };
}

/** What was sent, or what stands in for it. */
export function tokenInsteadOf(
  sent: string | undefined,
  nobodys: NobodysToken | undefined,
): string | undefined {
  return sent === NOTHING && nobodys !== undefined ? nobodys() : sent;
}
