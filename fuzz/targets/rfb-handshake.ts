import { createHash } from "node:crypto";
import { Secret } from "#base/secret.ts";
import type { Sequence } from "#base/sequence.ts";
import type { SecurityPolicy } from "#protocols/rfb/security-policy.ts";
import { encodeServerInit } from "#protocols/rfb/server-init.ts";
import { agreeOnSecurity, enterAsAgreed, type UpstreamOptions } from "#protocols/rfb/upstream-handshake.ts";
import type { ScramCrypto } from "#protocols/scram.ts";
import { scramCrypto } from "#proxy/scram-crypto.ts";
import { printable } from "#wire/gateway-error.ts";
import { ascii, type Target } from "../target.ts";
import { converse } from "./sequence.ts";

/** The account of what was recorded. */
const ACCOUNT = { username: "ute@qemu", password: "ein langes Passwort" } as const;

/** So that the same is said each time, and what was recorded answers it. */
export const repeatable: ScramCrypto = { ...scramCrypto, nonce: () => "fuzzfuzzfuzzfuzzfuzzfuzz" };

/** Keys of passwords are what takes time. Those of what was recorded come first, and are right: else no proof would be. */
const keys = new Map<string, Uint8Array>();
const limits = {
  /** More than was recorded. */
  keys: 8,
} as const;
const quick: ScramCrypto = {
  ...repeatable,
  pbkdf2Sha256(password, salt, iterations) {
    const name = `${Buffer.from(salt).toString("hex")} ${iterations}`;
    const key = keys.get(name);
    if (key !== undefined) return key;
    if (keys.size >= limits.keys) return createHash("sha256").update(salt).update(`${iterations}`).digest();
    const made = scramCrypto.pbkdf2Sha256(password, salt, iterations);
    keys.set(name, made);
    return made;
  },
};

const open: SecurityPolicy = { tls: [] };
const password = { ...open, password: new Secret("geheim") };
const account = { username: ACCOUNT.username, password: new Secret(ACCOUNT.password) };

/** What is on record of the machine, by the first byte of an input: the server says what comes behind it. */
export const POLICIES: Readonly<Record<string, readonly SecurityPolicy[]>> = {
  "rfb-security": [open, password],
  "rfb-tight": [open, password],
  "rfb-vencrypt": [
    { tls: ["x509"] },
    { ...password, tls: ["x509"] },
    { ...account, tls: ["x509"] },
    { tls: ["x509", "anonymous"] },
    { ...password, tls: ["x509", "anonymous"] },
  ],
  "rfb-sasl": [
    { tls: [], ...account },
    { tls: ["x509"], ...account },
  ],
};

/** From a server's first byte to ServerInit, as if TLS were around all that comes once it was agreed on. */
function handshake(options: UpstreamOptions): () => Sequence<unknown> {
  return function* whole() {
    const agreed = yield* agreeOnSecurity(options);
    const ready = yield* enterAsAgreed(agreed, options);
    const { serverInit } = ready;
    // As a viewer is told of it.
    return { agreed, ...ready, told: encodeServerInit({ ...serverInit, name: printable(serverInit.name) }) };
  };
}

/** What is spoken to a server under a policy; its challenge is answered with no real cipher, since nobody judges that here. */
export function upstreamOptions(
  policy: SecurityPolicy,
  scram: ScramCrypto,
  send: (bytes: Uint8Array) => void,
): UpstreamOptions {
  return { ...policy, send, scram, encryptDes: (key, blocks) => Uint8Array.from([...key, ...blocks]) };
}

const words = [
  ...ascii("RFB 003.003\n", "RFB 003.007\n", "RFB 003.008\n", "RFB 004.001\n", "SCRAM-SHA-256", "PLAIN"),
  ...ascii("r=fuzzfuzzfuzzfuzzfuzzfuzz", ",s=", ",i=4096", "v=", "e=invalid-proof", "\0"),
  ...[
    [1, 1],
    [1, 2],
    [1, 16],
    [1, 19],
    [1, 20],
    [0, 2, 0],
  ].map((bytes) => Uint8Array.from(bytes)),
  ...[257, 258, 259, 260, 261, 262, 263, 264].map((type) => Uint8Array.of(0, 0, 1, type & 0xff)),
];

export const handshakes: readonly Target[] = Object.entries(POLICIES).map(([name, policies]) => ({
  name,
  words,
  maxBytes: 16 * 1024,
  run(input, cut) {
    const policy = policies[(input[0] ?? 0) % policies.length] ?? open;
    return converse(input.subarray(1), cut, (send) => handshake(upstreamOptions(policy, quick, send))());
  },
}));
