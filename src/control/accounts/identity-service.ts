import type { Secret } from "#base/secret.ts";
import type { Caller, Whence } from "../services.ts";

/** Tokens for clients of OpenStack. */
export interface IdentityTokens {
  /**
   * A token for clients of OpenStack, of whoever came with an API key, or with such a token: for one project, by id or name, or for
   * whatever the caller may see. `not_found` for a project that is not the caller's.
   */
  issueToken(
    caller: Caller,
    options: { readonly project?: string | undefined; readonly noLaterThan?: Date | undefined },
    from?: Whence,
  ): Promise<Secret>;
  byToken(token: string, address: string): Promise<IdentityToken | undefined>;
  /** Administrators any, members their own; `not_found` for any other. */
  revokeToken(caller: Caller, token: string, from?: Whence): Promise<void>;
}

export interface IdentityToken {
  /** Sees no more than the token's project. */
  readonly caller: Caller;
  readonly project?: { readonly id: string; readonly name: string };
  readonly issuedAt: Date;
  readonly expiresAt: Date;
}
