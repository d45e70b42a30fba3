const REDACTED = "[secret]";

/**
 * A value that must not be printed. Logs, JSON, template strings and `console.log` all show `[secret]`;
 * reading it takes the explicit word `expose`, which is easy to find in a review.
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  expose(): string {
    return this.#value;
  }

  toJSON(): string {
    return REDACTED;
  }

  toString(): string {
    return REDACTED;
  }

  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return REDACTED;
  }
}
