import { randomInt } from "node:crypto";

export const RATE = {
  /**
   * Datagrams in a second to one network about one subject. A resolver keeps an answer for longer than a second; so many
   * of the same are asked for by somebody who has written another's address on them.
   */
  answersPerSecond: 50,
  /** Of what goes beyond it, every so-manieth is told to come by TCP: a resolver of that network still gets through. */
  slip: 2,
  /** Counters at once; two that fall on the same one take turns, and a flood is counted less strictly. */
  counters: 65_536,
} as const;

export type Rate = { readonly [Name in keyof typeof RATE]: number };

export type Verdict = "answer" | "truncate" | "drop";

/**
 * Response rate limiting, as name servers have it: what is sent to one network (/24, /56) about one subject is counted, so
 * that nobody's flood is made larger or passed on. Memory does not grow with what comes.
 */
export class RateLimit {
  readonly #rate: Rate;
  readonly #seed = randomInt(2 ** 31);
  /** For each counter whose it is, of which second, and how many. */
  readonly #owners: Int32Array;
  readonly #seconds: Int32Array;
  readonly #counts: Uint32Array;

  constructor(rate: Rate = RATE) {
    this.#rate = rate;
    this.#owners = new Int32Array(rate.counters);
    this.#seconds = new Int32Array(rate.counters);
    this.#counts = new Uint32Array(rate.counters);
  }

  /** `nowMs` since whenever. */
  judge(address: string, subject: string, nowMs: number): Verdict {
    const owner = hash(subject, hashNetwork(address, this.#seed));
    const index = (owner >>> 0) % this.#owners.length;
    const second = Math.floor(nowMs / 1000) | 0;
    if (this.#owners[index] !== owner || this.#seconds[index] !== second) {
      this.#owners[index] = owner;
      this.#seconds[index] = second;
      this.#counts[index] = 0;
    }
    const count = (this.#counts[index] ?? 0) + 1;
    this.#counts[index] = count;
    if (count <= this.#rate.answersPerSecond) return "answer";
    return (count - this.#rate.answersPerSecond) % this.#rate.slip === 0 ? "truncate" : "drop";
  }
}

/** FNV-1a over the part of an address that a whole network has: three numbers of IPv4, 56 bits of IPv6. */
function hashNetwork(address: string, seed: number): number {
  if (!address.includes(":")) return hash(address.slice(0, address.lastIndexOf(".")), seed);
  const [head = "", tail] = address.split("%", 1)[0]?.split("::") ?? [];
  const groups = head === "" ? [] : head.split(":");
  const behind = tail === undefined || tail === "" ? 0 : tail.split(":").length;
  const missing = tail === undefined ? 0 : 8 - groups.length - behind;
  const whole = [...groups, ...Array<string>(Math.max(0, missing)).fill("0"), ...(tail?.split(":") ?? [])];
  // The fourth group gives its upper eight bits.
  const upper = Number.parseInt(whole[3] ?? "0", 16) >> 8;
  return hash(`${whole.slice(0, 3).join(":")}:${upper}`, seed);
}

function hash(text: string, seed: number): number {
  let value = seed ^ 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) value = Math.imul(value ^ text.charCodeAt(at), 0x01000193);
  return value;
}
