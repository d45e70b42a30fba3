import type { KeystoneRight } from "#wire/keystone.ts";

export interface KeystoneTables {
  keystone: KeystoneTable;
  keystone_projects: KeystoneProjectTable;
  keystone_users: KeystoneUserTable;
  keystone_rights: KeystoneRightTable;
}

/** One row, while tokens of a Keystone are good here. */
export interface KeystoneTable {
  id: "keystone";
  /** Another with each change: what a replica remembers of the row before is good no more. */
  revision: string;
  /** Without a slash at its end. */
  url: string;
  public_url: string | null;
  /** PEM; null: the authorities of the system. */
  ca_certificate: string | null;
  /** The id of an application credential where `user_domain` is null. */
  username: string;
  user_domain: string | null;
  project: string | null;
  project_domain: string | null;
  secret_sealed: string;
  /** JSON: role, in lower case, to right. */
  roles: string;
  makes_projects: 0 | 1;
}

/** Which project here is whose there. */
interface KeystoneProjectTable {
  /** An id, or DOMAIN/NAME. */
  keystone_project: string;
  project_id: string;
  is_made: 0 | 1;
}

/** Which account here is whose there. */
interface KeystoneUserTable {
  /** Keystone's. */
  user_id: string;
  account_id: string;
}

/** What Keystone said last of a user in a project, which is remembered for whoever opens what was issued before. */
interface KeystoneRightTable {
  account_id: string;
  /** Keystone's id. */
  keystone_project: string;
  /** Null for administrators whose project has none here. */
  project_id: string | null;
  right: KeystoneRight;
  seen_at: number;
}
