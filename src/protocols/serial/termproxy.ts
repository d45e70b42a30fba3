import { concat } from "#base/bytes.ts";
import { ProtocolError } from "#base/protocol-error.ts";
import type { Sequence } from "#base/sequence.ts";

/**
 * What Proxmox VE's termproxy and its viewers say to each other (pve-xtermjs, termproxy/src/main.rs and xterm.js/src/main.js). What it says is
 * the line's bytes, behind its answer; what is said to it stands in messages.
 */
const TAKEN = "OK";

/** The first thing that is said. `login` is the account, a colon, and the ticket. */
export function termproxyLogin(login: string): Uint8Array {
  return new TextEncoder().encode(`${login}\n`);
}

/** Who is not let in is answered nothing: it hangs up. The line's first bytes come right behind. Throws a ProtocolError. */
export function* termproxyAnswer(): Sequence<void> {
  const answer = String.fromCharCode(...(yield { bytes: TAKEN.length }));
  if (answer !== TAKEN) throw new ProtocolError("what answers is no termproxy", answer);
}

/** Message 0: bytes for the line. INVARIANT: all in one piece, for a length of which termproxy gets only a part is lost, and the rest misread. */
export function termproxyInput(bytes: Uint8Array): Uint8Array {
  return concat([new TextEncoder().encode(`0:${bytes.length}:`), bytes]);
}

/** Message 2, of which nothing comes but that a connection is not idle. */
export const TERMPROXY_PING: Uint8Array = Uint8Array.of(0x32);
