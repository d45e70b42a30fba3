import type { Secret } from "#base/secret.ts";
import type { Keystone, KeystoneChange, KeystoneTest } from "#wire/keystone.ts";
import type { Caller, Whence } from "../services.ts";

/** A Keystone of somebody's cloud, whose tokens are good at the Nova API. */
export interface KeystoneService {
  show(caller: Caller): Promise<Keystone>;
  /** Turns it on, or changes what is said; what is absent stays. `not_found` for a project that is none of ours. */
  configure(caller: Caller, change: KeystoneChange): Promise<Keystone>;
  /** Goes the whole way to it, and signs in there. `not_found` where it is off. */
  test(caller: Caller): Promise<KeystoneTest>;
  /** Turns it off: the accounts that its users were given go, and their consoles end. `not_found` where it is off. */
  disable(caller: Caller): Promise<void>;
  /**
   * Who comes with that token. `forbidden`, with the reason, for somebody whom Keystone knows and who may do nothing here;
   * `limit_reached` where there is no room for another account or project.
   */
  callerOf(token: Secret, from: Whence & { readonly address: string }): Promise<TokenOwner>;
  /** Where clients get their tokens; `undefined` while it is off. */
  publicUrl(): Promise<string | undefined>;
}

/** `unknown`: it is none of Keystone's, or it is off. `unavailable`: Keystone could not be asked, and the log says why. */
export type TokenOwner = Caller | "unknown" | "unavailable";
