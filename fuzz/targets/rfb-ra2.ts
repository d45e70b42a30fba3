import { concat } from "#base/bytes.ts";
import { Secret } from "#base/secret.ts";
import type { Sequence } from "#base/sequence.ts";
import { encodeRa2Key, type Ra2Key, readRa2Key, readRa2Random } from "#protocols/rfb/ra2.ts";
import { enterAsAgreed } from "#protocols/rfb/upstream-handshake.ts";
import { judgedRa2Key } from "#proxy/ra2.ts";
import { Ra2Opening } from "#proxy/ra2-messages.ts";
import { ascii, type Cut, type Target } from "../target.ts";
import { repeatable, upstreamOptions } from "./rfb-handshake.ts";
import { converse } from "./sequence.ts";
import { outcome, told } from "./told.ts";

/** Of what was recorded: the key of a direction, ours of RSA, and what both are to show of their keys. */
export const DIRECTION = new Uint8Array(32).fill(7);
const OURS: Ra2Key = { bits: 2048, modulus: new Uint8Array(256), exponent: new Uint8Array(256) };
export const PROOF = { ours: new Uint8Array(32).fill(1), theirs: new Uint8Array(32).fill(2) };

/** What is read by an input's first byte: before the encryption, its messages, or what stands in them for a password or an account. */
export const PARTS = ["open", "sealed", "password", "account"] as const;

/** RA2, whose encryption nobody gets through by chance: so what is sealed is tried apart from what is said within. */
export const ra2: Target = {
  name: "rfb-ra2",
  words: [
    ...ascii("ra2", "no"),
    ...[
      [0, 0, 4, 0],
      [0, 0, 8, 0],
      [0, 0, 32, 0],
      [1, 0],
      [1, 0, 1],
      [0xff, 0xff],
    ].map((bytes) => Uint8Array.from(bytes)),
  ],
  maxBytes: 16 * 1024,
  run(input, cut) {
    const part = PARTS[(input[0] ?? 0) % PARTS.length] ?? "open";
    const said = input.subarray(1);
    if (part === "sealed") return opened(said, cut);
    return converse(said, cut, part === "open" ? agreeing : (send) => signingIn(part, send));
  },
};

function* agreeing(): Sequence<unknown> {
  const key = yield* readRa2Key();
  const { asymmetricKeyDetails } = judgedRa2Key(key, { mode: "insecure" });
  const random = yield* readRa2Random(OURS);
  return { said: encodeRa2Key(key), bits: asymmetricKeyDetails?.modulusLength, random };
}

function signingIn(part: "password" | "account", send: (bytes: Uint8Array) => void): Sequence<unknown> {
  const policy = { tls: [], ra2: "demanded", password: new Secret("geheim") } as const;
  const options = upstreamOptions(
    part === "account" ? { ...policy, username: "ute" } : policy,
    repeatable,
    send,
  );
  const agreed = { version: "3.8", security: "ra2-256", isTight: false } as const;
  return enterAsAgreed(agreed, { ...options, ra2Proof: PROOF });
}

function opened(said: Uint8Array, cut: Cut): string {
  const opening = new Ra2Opening(DIRECTION);
  const heard: Uint8Array[] = [];
  const ending = outcome(() => {
    for (const piece of cut(said)) for (const plain of opening.push(piece)) heard.push(plain);
  });
  return `${ending} ${told(concat(heard))}`;
}
