const limits = {
  /** Of what the peer said, in the message or beside it: it ends in a log, and some may say megabytes. */
  characters: 500,
} as const;

/**
 * A peer broke its protocol. `received` is what it said, shortened by whoever prints it;
 * it is for logs and tests, never for a page.
 */
export class ProtocolError extends Error {
  override readonly name: string = "ProtocolError";
  readonly received: unknown;

  constructor(message: string, received?: unknown) {
    super(message.slice(0, limits.characters));
    this.received = typeof received === "string" ? received.slice(0, limits.characters) : received;
  }
}
