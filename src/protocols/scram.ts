import { fromLatin1, latin1 } from "#base/bytes.ts";
import { ProtocolError } from "#base/protocol-error.ts";
import type { Secret } from "#base/secret.ts";

/** What SCRAM-SHA-256 is made of. Passed in, because no platform-free one answers at once. */
export interface ScramCrypto {
  /** Characters that nobody can guess, without commas. */
  readonly nonce: () => string;
  readonly sha256: (bytes: Uint8Array) => Uint8Array;
  readonly hmacSha256: (key: Uint8Array, bytes: Uint8Array) => Uint8Array;
  readonly pbkdf2Sha256: (password: Uint8Array, salt: Uint8Array, iterations: number) => Uint8Array;
}

const limits = {
  /** RFC 7677 §4 has no fewer: with less, a server that is none could find the password out from our answer. */
  fewestIterations: 4096,
  /** Servers have 4 096 to 15 000. More holds up everybody else: these are some 30 ms. */
  mostIterations: 100_000,
  saltBytes: 1024,
} as const;

/** Neither a channel binding nor another identity (RFC 5802 §7, gs2-header), and the same in base64. */
const GS2_HEADER = "n,,";
const GS2_BASE64 = "biws";

/**
 * RFC 5802 and RFC 7677 as the client: SCRAM-SHA-256. The server shows that it knows the password as well, so nobody
 * else can take its place. Both functions throw a ProtocolError for what is not of SCRAM.
 */
export class Scram {
  readonly #crypto: ScramCrypto;
  readonly #password: Secret;
  readonly #nonce: string;
  readonly #firstBare: string;
  #serverSignature: string | undefined;

  constructor(
    { username, password }: { readonly username: string; readonly password: Secret },
    crypto: ScramCrypto,
  ) {
    this.#crypto = crypto;
    this.#password = password;
    this.#nonce = crypto.nonce();
    const name = username.normalize("NFKC").replaceAll("=", "=3D").replaceAll(",", "=2C");
    this.#firstBare = `n=${name},r=${this.#nonce}`;
  }

  /** client-first-message */
  get first(): string {
    return `${GS2_HEADER}${this.#firstBare}`;
  }

  /** client-final-message, in answer to the server-first-message. */
  answer(serverFirst: string): string {
    const { nonce, salt, iterations } = this.#readFirst(serverFirst);
    const { sha256, hmacSha256, pbkdf2Sha256 } = this.#crypto;
    const password = utf8(this.#password.expose().normalize("NFKC"));
    const salted = pbkdf2Sha256(password, salt, iterations);
    const withoutProof = `c=${GS2_BASE64},r=${nonce}`;
    const message = utf8(`${this.#firstBare},${serverFirst},${withoutProof}`);
    const clientKey = hmacSha256(salted, utf8("Client Key"));
    const signature = hmacSha256(sha256(clientKey), message);
    const proof = clientKey.map((byte, index) => byte ^ (signature[index] ?? 0));
    this.#serverSignature = base64(hmacSha256(hmacSha256(salted, utf8("Server Key")), message));
    return `${withoutProof},p=${base64(proof)}`;
  }

  /** Whether a server-final-message is of a server that knows the password. */
  isProof(serverFinal: string): boolean {
    const [verifier = ""] = serverFinal.split(",");
    return this.#serverSignature !== undefined && verifier === `v=${this.#serverSignature}`;
  }

  #readFirst(serverFirst: string) {
    const match = /^r=([^,]+),s=([A-Za-z0-9+/=]+),i=([1-9]\d{0,8})(?:,|$)/.exec(serverFirst);
    const [, nonce = "", salt64 = "", iterationsText = ""] = match ?? [];
    const iterations = Number(iterationsText);
    if (match === null) throw new ProtocolError("not a server-first-message of SCRAM");
    if (!nonce.startsWith(this.#nonce) || nonce === this.#nonce)
      throw new ProtocolError("the server's nonce does not continue ours");
    if (iterations < limits.fewestIterations || iterations > limits.mostIterations)
      throw new ProtocolError("number of iterations out of bounds", iterations);
    const salt = fromBase64(salt64);
    if (salt.length > limits.saltBytes) throw new ProtocolError("salt too long", salt.length);
    return { nonce, salt, iterations };
  }
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function base64(bytes: Uint8Array): string {
  return btoa(latin1(bytes));
}

function fromBase64(text: string): Uint8Array {
  try {
    return fromLatin1(atob(text));
  } catch {
    throw new ProtocolError("not base64");
  }
}
