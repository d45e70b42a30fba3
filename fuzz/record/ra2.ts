import { constants, generateKeyPairSync, publicEncrypt } from "node:crypto";
import { concat } from "#base/bytes.ts";
import { encodeRa2Key, encodeRa2Random } from "#protocols/rfb/ra2.ts";
import { encodeServerInit } from "#protocols/rfb/server-init.ts";
import { Ra2Sealing } from "#proxy/ra2-messages.ts";
import { DIRECTION, PARTS, PROOF } from "../targets/rfb-ra2.ts";

const PIXEL_FORMAT = Uint8Array.of(32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0);
const REFUSAL = Uint8Array.of(0, 0, 0, 1, 0, 0, 0, 2, 0x6e, 0x6f);

/** What a server of RA2 says, of our own, since no server of it can be had: see docs/hypervisors.md. */
export function recordRa2(): Readonly<Record<string, Uint8Array>> {
  const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const { n = "", e = "" } = publicKey.export({ format: "jwk" });
  const modulus = Buffer.from(n, "base64url");
  const exponent = Buffer.alloc(modulus.length);
  Buffer.from(e, "base64url").copy(exponent, modulus.length - 3);
  const padding = constants.RSA_PKCS1_PADDING;
  const random = publicEncrypt({ key: publicKey, padding }, Buffer.alloc(32, 5));
  const open = [encodeRa2Key({ bits: 2048, modulus, exponent }), encodeRa2Random(random)];
  const init = encodeServerInit({ width: 640, height: 480, pixelFormat: PIXEL_FORMAT, name: "ra2" });
  const within = (subtype: number, result: Uint8Array) => [PROOF.theirs, Uint8Array.of(subtype), result];
  const sealing = new Ra2Sealing(DIRECTION);
  const sealed = [...within(2, new Uint8Array(4)), init].map((said) => sealing.seal(said));
  return {
    open: saidAs("open", open),
    sealed: saidAs("sealed", sealed),
    password: saidAs("password", [...within(2, new Uint8Array(4)), init]),
    account: saidAs("account", [...within(1, new Uint8Array(4)), init]),
    refused: saidAs("password", within(2, REFUSAL)),
  };
}

function saidAs(part: (typeof PARTS)[number], said: readonly Uint8Array[]): Uint8Array {
  return concat([Uint8Array.of(PARTS.indexOf(part)), ...said]);
}
