import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { calculateJwkThumbprint, FlattenedSign, type JWK } from "jose";
import { generateKeys, privateKeyPem } from "../keys.ts";

/** ECDSA with P-256, which every authority takes. */
const ALGORITHM = "ES256";

/** The key that an account is known by. */
export interface AccountKey {
  readonly privateKey: KeyObject;
  readonly jwk: JWK;
  /** RFC 7638. It is public: with it anybody can answer for the account, and nobody can ask. */
  readonly thumbprint: string;
}

/** A binding to an account that the authority knows already (RFC 8555 §7.3.4). */
export interface ExternalAccount {
  readonly keyId: string;
  /** base64url. */
  readonly hmacKey: string;
}

/** PKCS#8, PEM. */
export async function newAccountKey(): Promise<string> {
  return await privateKeyPem((await generateKeys()).privateKey);
}

export async function readAccountKey(pem: string): Promise<AccountKey> {
  const privateKey = createPrivateKey(pem);
  const jwk = createPublicKey(privateKey).export({ format: "jwk" }) as JWK;
  return { privateKey, jwk, thumbprint: await calculateJwkThumbprint(jwk) };
}

/** A request in the form that RFC 8555 §6.2 has for all of them. Without a payload it is a POST-as-GET (§6.3). */
export async function signedRequest(
  { privateKey, jwk }: AccountKey,
  request: {
    readonly url: string;
    readonly nonce: string;
    /** The account's URL; before there is one, the key itself is sent. */
    readonly account: string | undefined;
    readonly payload: object | undefined;
  },
): Promise<string> {
  const { url, nonce, account, payload } = request;
  const text = payload === undefined ? "" : JSON.stringify(payload);
  const signed = await new FlattenedSign(new TextEncoder().encode(text))
    .setProtectedHeader({
      alg: ALGORITHM,
      nonce,
      url,
      ...(account === undefined ? { jwk } : { kid: account }),
    })
    .sign(privateKey);
  return JSON.stringify(signed);
}

/** What shows that whoever has this key has the other account as well. */
export async function boundTo(
  { keyId, hmacKey }: ExternalAccount,
  { jwk }: AccountKey,
  url: string,
): Promise<object> {
  return await new FlattenedSign(new TextEncoder().encode(JSON.stringify(jwk)))
    .setProtectedHeader({ alg: "HS256", kid: keyId, url })
    .sign(new Uint8Array(Buffer.from(hmacKey, "base64url")));
}
