import type { ConsoleProtocol } from "#wire/grant.ts";
import type { Caller } from "../services.ts";

/** What may be known of tickets without spending them. */
export interface Tickets {
  /**
   * Where a ticket leads that nobody has used yet, for administrators; it stays as good as it was. `not_found` for any other. Of a
   * UNIX socket there is nothing to say but the machine.
   */
  whereTo(
    caller: Caller,
    ticket: string,
  ): Promise<{
    readonly machineId: string;
    /** As which it opens the machine's console. */
    readonly protocol: ConsoleProtocol;
    readonly host?: string;
    readonly port?: number;
    /** Of a server that has many consoles, which of them. */
    readonly path?: string;
    /** By which certificate that server is known, where it is by one: `sha256:` or `sha1:`, and its fingerprint in hexadecimal digits. */
    readonly pin?: string;
  }>;
}
