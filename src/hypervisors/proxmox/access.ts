import type { Secret } from "#base/secret.ts";
import { readTrust } from "../trust.ts";
import type { ProxmoxAccess } from "./client.ts";
import { parseProxmoxAddress } from "./place.ts";

/** Of an account of a realm, and of a token of that account's: PVE::AccessControl. It stands in a header. */
const TOKEN_ID = /^[^\s:/=!@%;\p{Cc}]{1,64}@[A-Za-z][A-Za-z0-9._-]{1,31}![A-Za-z][A-Za-z0-9._-]{1,127}$/u;
/** Proxmox VE makes a UUID. */
const TOKEN_SECRET = /^[A-Za-z0-9-]{1,128}$/;

/** What is needed to ask a Proxmox VE, from what an administrator gave. Throws an Error that says what is wrong with it. */
export function proxmoxAccess(
  address: string,
  {
    username: tokenId = "",
    secret,
    caCertificate,
    pin,
    isReadOnly,
  }: {
    readonly username?: string | undefined;
    readonly secret: Secret | undefined;
    readonly caCertificate?: string | undefined;
    readonly pin?: string | undefined;
    readonly isReadOnly: boolean;
  },
): ProxmoxAccess {
  const places = parseProxmoxAddress(address);
  const trust = readTrust({ caCertificate, pin });
  if (pin !== undefined && places.length > 1)
    throw new Error("nodes have a certificate each, so of several none can be pinned: give their authority");
  if (!TOKEN_ID.test(tokenId) || !/^[\x21-\x7e]+$/.test(tokenId))
    throw new Error("the username is that of an API token, such as porthole@pve!consoles");
  if (secret === undefined) throw new Error("the API token's secret is missing");
  if (!TOKEN_SECRET.test(secret.expose())) throw new Error("the secret is none of an API token's");
  return { places, trust, tokenId, secret, isReadOnly };
}
