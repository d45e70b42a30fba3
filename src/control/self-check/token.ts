import { credentialOf } from "../vault/credential.ts";
import type { InstallationKey } from "../vault/installation-key.ts";
import { deriveKey } from "../vault/vault.ts";

/** As long as one is given out. A node takes it for as long again. */
const WINDOW_MS = 10 * 60 * 1000;

/** With what a client asks nodes how its request reached them: the same for all nodes that are asked at about this time. */
export type SelfCheckToken = (askedAt: number) => string;

export function createSelfCheckTokens(key: InstallationKey, installationId: string): SelfCheckToken {
  return (askedAt) => {
    const info = ["porthole", "self-check", String(Math.floor(askedAt / WINDOW_MS))];
    return credentialOf(deriveKey(key, { salt: installationId, info })).value.expose();
  };
}
