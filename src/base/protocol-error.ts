/**
 * A peer broke its protocol. `received` is what it said, shortened by whoever prints it;
 * it is for logs and tests, never for a page.
 */
export class ProtocolError extends Error {
  override readonly name: string = "ProtocolError";
  readonly received: unknown;

  constructor(message: string, received?: unknown) {
    super(message);
    this.received = received;
  }
}
