import type { Clock } from "#base/clock.ts";
import type { Audit } from "../audit/audit.ts";
import type { Accounts } from "../services.ts";
import type { CloseSessions } from "../sessions/closing.ts";
import type { SettingValues } from "../settings/settings.ts";
import type { Store } from "../store/store.ts";
import type { Vault } from "../vault/vault.ts";
import { createApiKeys } from "./api-keys.ts";
import { createCallers } from "./callers.ts";
import { createDirectory } from "./directory.ts";
import { createIdentityTokens } from "./identity-tokens.ts";
import { createSignIn } from "./sign-in.ts";

export function createAccounts(parts: {
  readonly store: Store;
  readonly audit: Audit;
  readonly vault: Vault;
  readonly clock: Clock;
  readonly closeSessions: CloseSessions;
  readonly values: SettingValues;
  /** Control's own public origin, for sign-in links. */
  readonly publicOrigin: () => string;
}): Accounts {
  const callers = createCallers(parts);
  return {
    ...callers,
    ...createSignIn({ ...parts, callers }),
    ...createIdentityTokens(parts),
    ...createDirectory(parts),
    ...createApiKeys(parts),
  };
}
