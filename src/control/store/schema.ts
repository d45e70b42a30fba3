import type { Generated } from "kysely";
import type { MachineState, Role } from "#wire/api.ts";
import type { Protocol } from "#wire/grant.ts";
import type { GuestFamily, PowerState } from "#wire/machine-origin.ts";
import type { AcmeTable } from "../acme/acme-table.ts";
import type { AuditTable } from "../audit/audit-table.ts";
import type { CertificatePartTable, CertificateTable } from "../certificates/certificate-tables.ts";
import type { LaunchState } from "../fleet/capacity/launch-states.ts";
import type { HypervisorTables } from "../hypervisors/hypervisor-tables.ts";
import type { KeystoneTables } from "../keystone/keystone-tables.ts";
import type { SignInFailureTable } from "../machines/pacing-table.ts";
import type { DrainOutcome, NodeJobCommand } from "../services.ts";
import type { SessionTable } from "../sessions/session-table.ts";

/**
 * Every table, as the code sees it. The migrations beside this make them, in types that SQLite and PostgreSQL
 * both have: times are milliseconds since 1970 (bigint), yes and no are 1 and 0 (integer), all else is text.
 *
 * `sealed` columns hold what the vault made of a secret; `hash` columns the SHA-256 of a credential that we never
 * need to know again. So the database alone gives no secret away.
 */
export interface Schema extends HypervisorTables, KeystoneTables {
  installation: InstallationTable;
  accounts: AccountTable;
  memberships: MembershipTable;
  api_keys: ApiKeyTable;
  sign_in_codes: SignInCodeTable;
  web_sessions: WebSessionTable;
  identity_tokens: IdentityTokenTable;
  nova_tokens: NovaTokenTable;
  projects: ProjectTable;
  machines: MachineTable;
  sessions: SessionTable;
  nodes: NodeTable;
  public_ip_ranges: PublicIpRangeTable;
  certificates: CertificateTable;
  certificate_parts: CertificatePartTable;
  node_jobs: NodeJobTable;
  incarnations: IncarnationTable;
  join_tokens: JoinTokenTable;
  launches: LaunchTable;
  ticket_keys: TicketKeyTable;
  settings: SettingTable;
  dns_texts: DnsTextTable;
  acme: AcmeTable;
  node_checks: NodeCheckTable;
  console_outputs: ConsoleOutputTable;
  sign_in_failures: SignInFailureTable;
  audit: AuditTable;
  compatibility: CompatibilityTable;
}

/** One row, made by the bootstrap. A database without it is empty. */
interface InstallationTable {
  id: string;
  /** Tells the right installation key from a wrong one. */
  key_check: string;
  /** PEM. */
  authority_certificate: string;
  authority_key_sealed: string;
  created_at: number;
}

interface AccountTable {
  id: string;
  name: string;
  role: Role;
  /** Opens nothing and asks for nothing; its keys and cookies are as if they were not there. */
  disabled: Generated<0 | 1>;
  created_at: number;
}

/** Whose machines a member may open. */
interface MembershipTable {
  account_id: string;
  project_id: string;
}

interface ApiKeyTable {
  api_key: string;
  account_id: string;
  secret_sealed: string;
  created_at: number;
}

interface SignInCodeTable {
  hash: string;
  account_id: string;
  expires_at: number;
}

/** Whose cookie it is: that of our own pages, or CloudStack's, for clients that log in. */
export type WebSessionKind = "browser" | "cloudstack";

export interface WebSessionTable {
  hash: string;
  account_id: string;
  kind: WebSessionKind;
  expires_at: number;
}

/** A token of OpenStack's clients. */
interface IdentityTokenTable {
  hash: string;
  account_id: string;
  /** With which it was got. */
  api_key: string;
  /** What it is for alone; null: whatever the account may see. */
  project_id: string | null;
  issued_at: number;
  expires_at: number;
}

/** A use of a token of the Nova that this installation stands in front of. */
interface NovaTokenTable {
  hash: string;
  /** Of the node's question. */
  nonce: string;
  /** Which it opened. */
  session_id: string;
  used_at: number;
}

interface ProjectTable {
  id: string;
  name: string;
  created_at: number;
}

interface MachineTable {
  id: string;
  project_id: string;
  name: string;
  /** The name as it is sorted and searched: see names.ts. */
  name_key: string;
  protocol: Protocol;
  /** Which driver knows it: a key of the drivers that control was composed with. */
  driver: string;
  address: string;
  /** Of its serial line, where its protocol is another and it was registered by hand; null: nothing is known of one. */
  serial_address: Generated<string | null>;
  password_sealed: string | null;
  /** Whose password that is; null where it is the machine's own. */
  username: string | null;
  /** JSON, a MachineTls: see machines/machine-tls.ts. Null where the console is spoken to without TLS. */
  tls: string | null;
  /** Of the client certificate in `tls`. */
  client_key_sealed: string | null;
  /** As the operator set it; drivers that can ask a hypervisor do not need it. */
  state: MachineState;
  /** Only nodes of this pool are given its consoles. */
  pool: Generated<string>;
  /** Which hypervisor has it, by its address; null where it was registered by hand. */
  hypervisor_id: Generated<string | null>;
  /** As the hypervisor last said. */
  power: Generated<PowerState | null>;
  guest: Generated<GuestFamily | null>;
  created_at: number;
}

export interface NodeTable {
  id: string;
  /** SHA-256 of the one certificate that speaks for it. */
  certificate_fingerprint: string;
  /** Of the one that it was given in its place, until it has come with it. */
  next_fingerprint: string | null;
  /** Since when no certificate speaks for it. */
  revoked_at: number | null;
  /** The newest generation of ticket keys that it has said it holds. */
  ticket_generation: Generated<number>;
  /** Null before it first registers, and after it deregistered. */
  incarnation: string | null;
  page_origin: string;
  web_socket_origin: string;
  version: string;
  /** How many sessions it takes at once; null: as many as come. */
  maximum_sessions: number | null;
  /** What it last said that it carries. */
  sessions: number;
  pool: Generated<string>;
  /** Where nodes of its pool hand it what is its own; null: nowhere. */
  forward_address: string | null;
  /** Whether others may have the same public address. */
  shares_address: Generated<0 | 1>;
  /** The address that it was given out of a range of its pool, as fleet/ip-range.ts has it; null: it has one of its own. */
  given_key: Generated<string | null>;
  seen_at: number;
  /** Since when it has been heard of without a break; null: since before versions that note it. */
  heard_since: Generated<number | null>;
  /** Since when it takes no new sessions, though it runs; null: it takes them. */
  draining_at: Generated<number | null>;
  /** What vouched for it when it joined, where that was no join token: the pod NAMESPACE/NAME. */
  joined_as: Generated<string | null>;
  /** What is to become of it once it carries none: see fleet/draining.ts. Null while it takes sessions. */
  drain_outcome: Generated<DrainOutcome | "leave" | null>;
  /** When sessions that are left are ended; null: they are waited for. */
  drain_deadline: Generated<number | null>;
  /** Whether viewers are told ahead. */
  drain_warns: Generated<0 | 1>;
  /** The start that is to leave: a later one has nothing left to do of a restart. */
  drain_incarnation: Generated<string | null>;
  /** Rises with every change of these, and which of them the node has answered that it knows. */
  drain_revision: Generated<number>;
  drain_seen: Generated<number>;
  /** Where it is found while it serves TLS; null: its version serves none. */
  secure_page_origin: Generated<string | null>;
  secure_web_socket_origin: Generated<string | null>;
  /** What a front proxy has put before its paths, such as `/console`. */
  public_path: Generated<string | null>;
  /** The start that has said what it serves, which is plain HTTP where the id is null. An earlier one's is of no account. */
  certificate_incarnation: Generated<string | null>;
  /** SHA-256 of the certificate, in hexadecimal, and its end. */
  certificate_id: Generated<string | null>;
  certificate_not_after: Generated<number | null>;
  /** Where it is the default one, of the installation's CA: the names that it was made for. */
  certificate_names: Generated<string | null>;
  /** The consoleproxy.url.domain that it is for, by which links name the node while it serves it. */
  certificate_domain: Generated<string | null>;
  /** 0: it was told something and has not answered yet, as far as is known. */
  certificate_settled: Generated<0 | 1>;
  /** What it could not serve, and why, in its words. */
  certificate_refused: Generated<string | null>;
  certificate_problem: Generated<string | null>;
  created_at: number;
}

/** What somebody asked of a node through the CloudStack API, which says later how it went. */
interface NodeJobTable {
  id: string;
  account_id: string;
  command: NodeJobCommand;
  node_id: string;
  /** Of the node, behind the command. Once it has another one, something else was asked of it. */
  drain_revision: number;
  created_at: number;
}

/** Public addresses for the nodes of a pool. Keys are those of fleet/ip-range.ts; no two ranges have one in common. */
interface PublicIpRangeTable {
  id: string;
  pool: string;
  first_key: string;
  last_key: string;
  created_at: number;
}

/** Every start of every node, so that one that was superseded does not come back. */
interface IncarnationTable {
  node_id: string;
  incarnation: string;
  registered_at: number;
}

/** A node that control launched, or is about to: see fleet/capacity/. `id` is the order's. */
interface LaunchTable {
  id: string;
  pool: string;
  /** Kind and scope of the launcher that has it: see fleet/launchers/launcher.ts. */
  launcher: string;
  scope: string;
  state: LaunchState;
  /** Since it joined. */
  node_id: string | null;
  /** Where the platform vouches for its node: as what it joins. */
  joins_as: string | null;
  /** Why it was given up; null where nothing went wrong. */
  failure: string | null;
  /** When it was; null where nothing went wrong, and where an older version has written it down. */
  failed_at: Generated<number | null>;
  /** The drain of its node by which it is emptied to be taken away; null: it was not, or an older version did it. */
  drain_revision: Generated<number | null>;
  /** How often it was started again since its node was last up. */
  starts: Generated<number>;
  ordered_at: number;
  launched_at: number | null;
  joined_at: number | null;
  /** When it was last started again. */
  started_at: number | null;
  /** Since when nothing of it is left; null: it counts. */
  ended_at: number | null;
}

/** A generation of ticket keys. The newest one that a node holds seals its tickets. */
interface TicketKeyTable {
  generation: number;
  secret_sealed: string;
  created_at: number;
  /** Since when nothing is sealed with it; null while something may be. */
  retiring_at: number | null;
}

interface JoinTokenTable {
  hash: string;
  /** Of the nodes that join with it. */
  pool: Generated<string>;
  /** Where control made it for a node that it launched; see fleet/capacity/. */
  launch_id: Generated<string | null>;
  uses_left: number;
  expires_at: number;
  created_at: number;
}

interface SettingTable {
  name: string;
  value: string;
}

/** A value that a certificate authority is to find under a name, until then at most. */
interface DnsTextTable {
  name: string;
  value: string;
  expires_at: number;
}

/** What a node was last asked to look at, for the self-check. */
interface NodeCheckTable {
  node_id: string;
  run: string;
  asked_at: number;
  told: Generated<0 | 1>;
  /** JSON: CheckedScreen[] of wire/link-self-check.ts. */
  screens: string;
  answered_at: number | null;
  /** JSON: what it found. */
  lines: string | null;
}

/** What a node is asked that a machine's serial line has said, while somebody waits for the answer. */
interface ConsoleOutputTable {
  run: string;
  node_id: string;
  machine_id: string;
  asked_at: number;
  told: Generated<0 | 1>;
  answered_at: number | null;
  /** Null in an answer: the node does not have the line open. */
  output_sealed: string | null;
}

/** One row. */
interface CompatibilityTable {
  id: "schema";
  /** The migration that a version has to know to work with these tables: see migrations/compatibility.ts. */
  oldest: string;
}
