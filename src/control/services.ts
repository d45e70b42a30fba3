import type { Secret } from "#base/secret.ts";
import type { Shown } from "#hypervisors/picture.ts";
import type {
  Account,
  AccountChange,
  ApiKey,
  DnsZone,
  JoinToken,
  Machine,
  MachineChange,
  MachineState,
  NewAccount,
  NewApiKey,
  NewJoinToken,
  NewMachine,
  NewProject,
  Node,
  Page,
  Project,
  Role,
  Session,
  SessionState,
  Setting,
  SignInLink,
  TicketKeyGeneration,
} from "#wire/api.ts";
import type { AuditAction, AuditApi, AuditRow } from "#wire/audit.ts";
import type { NodeAuthority } from "#wire/certificate.ts";
import type { ConsoleProtocol } from "#wire/grant.ts";
import type { WaitingMachine } from "#wire/hypervisors.ts";
import type { PowerAction } from "#wire/power-action.ts";
import type { NewPublicIpRange, PublicIpRange } from "#wire/public-ip-ranges.ts";
import type { SelfCheck, SelfCheckRequest } from "#wire/self-check.ts";
import type { IdentityTokens } from "./accounts/identity-service.ts";
import type { AcmeService } from "./acme/service.ts";
import type { Certificates } from "./certificates/service.ts";
import type { Hypervisors } from "./hypervisors/service.ts";
import type { KeystoneService } from "./keystone/service.ts";
import type { Tickets } from "./tickets/service.ts";

/**
 * What control can do, as its APIs see it. Each interface is made by one folder beside this file and composed
 * in control.ts; the APIs translate between these and their wire forms, and hold no rules of their own.
 *
 * Every method judges the caller's rights itself and throws a GatewayError. What a caller may not see is
 * `not_found`, so that ids cannot be probed.
 */
export interface Services {
  readonly accounts: Accounts;
  readonly keystone: KeystoneService;
  readonly projects: Projects;
  readonly machines: Machines;
  readonly hypervisors: Hypervisors;
  readonly consoles: Consoles;
  readonly consoleOutputs: ConsoleOutputs;
  readonly tickets: Tickets;
  readonly sessions: Sessions;
  readonly settings: Settings;
  readonly nodes: Nodes;
  readonly publicIpRanges: PublicIpRanges;
  readonly certificates: Certificates;
  readonly acme: AcmeService;
  readonly nodeJobs: NodeJobs;
  readonly ticketKeys: TicketKeys;
  readonly names: Names;
  readonly selfChecks: SelfChecks;
  readonly audit: AuditLog;
}

/** Where a request comes from, as the audit log keeps it. */
export interface Whence {
  readonly address?: string | undefined;
  readonly api?: AuditApi | undefined;
  /** Of the request, as its answer has it. */
  readonly reference?: string | undefined;
  /** Of the request's trace, where there is one. */
  readonly traceparent?: string | undefined;
}

/** Who asks. `address` is the peer's; members see and open the machines of their projects, administrators all. */
export interface Caller extends Whence {
  readonly accountId: string;
  readonly name: string;
  readonly role: Role;
  readonly projectIds: readonly string[];
  readonly address: string;
  /** The key that it came with, where it was one. */
  readonly apiKey?: string | undefined;
  /** Where it may not work at consoles: whether it may look at them, or opens none. */
  readonly consoles?: "watched" | "none" | undefined;
}

export interface Accounts extends IdentityTokens {
  /** `undefined` for an unknown key. The secret is for checking a signature. */
  byApiKey(
    apiKey: string,
    address: string,
  ): Promise<{ readonly caller: Caller; readonly secretKey: Secret } | undefined>;
  /** Signs in with a one-time code: the code is spent, the answer is the new web session's cookie value. */
  signIn(code: string, from?: Whence): Promise<{ readonly cookie: Secret; readonly expiresAt: Date }>;
  byCookie(cookie: string, address: string): Promise<Caller | undefined>;
  /**
   * Signs in with the secret of an API key, for clients that know sessions and no signatures. `name` is the key, or the
   * name of its account. `undefined` where they do not fit.
   */
  signInBySecret(
    name: string,
    secret: Secret,
    address: string,
    from?: Whence,
  ): Promise<{ readonly cookie: Secret; readonly expiresAt: Date; readonly caller: Caller } | undefined>;
  /** Whose secret that is, named in the same way; a refusal is written down. */
  bySecret(name: string, secret: Secret, address: string, from?: Whence): Promise<Caller | undefined>;
  /** An API's door refused this key with what came beside it: for the audit log. */
  noteRefusedKey(apiKey: string, from: Whence): Promise<void>;
  signOut(cookie: string, from?: Whence): Promise<void>;
  /** A one-time sign-in link for the caller's own account, or, for administrators, another's. */
  signInLink(caller: Caller, accountId?: string): Promise<SignInLink>;
  add(caller: Caller, account: NewAccount): Promise<Account>;
  get(caller: Caller, id: string): Promise<Account>;
  list(caller: Caller, page: PageRequest): Promise<Page<Account>>;
  /** Disables or enables it, and says which projects it belongs to. Ends the consoles that it may no longer have. */
  update(caller: Caller, id: string, change: AccountChange): Promise<Account>;
  /** Ends its consoles. */
  remove(caller: Caller, id: string): Promise<void>;
  addApiKey(caller: Caller, accountId: string): Promise<NewApiKey>;
  listApiKeys(caller: Caller, accountId: string): Promise<readonly ApiKey[]>;
  /** Ends the consoles that were opened with it. */
  removeApiKey(caller: Caller, accountId: string, apiKey: string): Promise<void>;
}

export interface PageRequest {
  readonly after?: string | undefined;
  /** At most pageLimits.maximumItems; absent means pageLimits.defaultItems. */
  readonly limit?: number | undefined;
}

export interface Projects {
  add(caller: Caller, project: NewProject): Promise<Project>;
  list(caller: Caller, page: PageRequest): Promise<Page<Project>>;
  /** Refused with `conflict` while it has machines. */
  remove(caller: Caller, id: string): Promise<void>;
}

export interface Machines {
  add(caller: Caller, machine: NewMachine): Promise<Machine>;
  list(caller: Caller, filter: PageRequest & MachineFilter): Promise<Page<Machine>>;
  /** The same by page number, with the count of all pages; without cursors, so the deeper the dearer. */
  search(caller: Caller, filter: MachineSearch, window: Window): Promise<Found<Machine>>;
  get(caller: Caller, id: string): Promise<Machine>;
  /** Whether this is the machine's console password, told in a time that depends on neither. */
  hasPassword(caller: Caller, id: string, password: string): Promise<boolean>;
  /** Ends the consoles of a machine that is stopped. */
  update(caller: Caller, id: string, change: MachineChange): Promise<Machine>;
  /**
   * Has the machine's hypervisor start or stop it: for all who may open its console, to which that right belongs. Resolves when the
   * hypervisor has taken the order; what became of it the machine's state says, soon.
   */
  power(caller: Caller, id: string, action: PowerAction): Promise<Machine>;
  /** What it shows, as its hypervisor sees it, which may be some seconds old. Gives nobody a console. */
  screenshot(caller: Caller, id: string): Promise<Shown>;
  /** Machines of hypervisors that no project has. */
  waiting(
    caller: Caller,
    page: PageRequest & { readonly keyword?: string | undefined },
  ): Promise<Page<WaitingMachine>>;
  /** Puts a machine, or one that waits, into a project. Ends the consoles that it had in another. */
  assign(caller: Caller, id: string, project: string): Promise<Machine>;
  /** Ends its consoles. One that a hypervisor has waits from then on, until it is assigned again. */
  remove(caller: Caller, id: string): Promise<void>;
}

/** What has all of these. */
interface MachineFilter {
  /** Exactly this one. */
  readonly name?: string | undefined;
  readonly keyword?: string | undefined;
  readonly projectId?: string | undefined;
  readonly state?: MachineState | undefined;
  /** In place of a cursor: the id of the machine behind which the page begins; `not_found` where the caller sees no such one. */
  readonly behind?: string | undefined;
}

/** What has all of these. */
export interface MachineSearch {
  readonly ids?: readonly string[] | undefined;
  /** Parts of the name, in any letter case. */
  readonly keywords?: readonly string[] | undefined;
  readonly projectId?: string | undefined;
  readonly state?: MachineState | undefined;
}

/** Which of all that was found is wanted. */
export interface Window {
  readonly first: number;
  readonly size: number;
}

export interface Found<Item> {
  /** Of all, not of the window. */
  readonly count: number;
  readonly items: readonly Item[];
}

/** Which door a console was asked through; each has its own setting for a ticket's life. */
const API_NAMES = ["cloudstack", "native", "nova", "web"] as const;
export type ApiName = (typeof API_NAMES)[number];

/** A console to work at, or one small picture of its screen. */
export type TicketPurpose = "console" | "thumbnail";

export interface ConsoleOptions {
  readonly machineId: string;
  readonly api: ApiName;
  /** A console, if it is not said. */
  readonly purpose?: TicketPurpose | undefined;
  readonly viewOnly?: boolean | undefined;
  /** The machine's own, if it is not said. */
  readonly protocol?: ConsoleProtocol | undefined;
  readonly extra?: string | undefined;
  readonly callerAddress?: string | undefined;
}

/** An issued ticket, with all that the wire forms are made of. */
export interface IssuedConsole {
  readonly sessionId: string;
  readonly ticket: string;
  readonly extra?: string;
  readonly expiresAt: Date;
  /** The page with the ticket (and the extra token) in its fragment. */
  readonly url: string;
  /** What the paths of the node's pages come behind. */
  readonly pageBase: string;
  readonly websocket: { readonly host: string; readonly port: number; readonly path: string };
  /** The same as one address, `ws://` or `wss://`. */
  readonly webSocketUrl: string;
}

export interface Consoles {
  /** Judges rights, asks the driver, assigns a node, writes the session and issues its ticket. */
  open(caller: Caller, options: ConsoleOptions): Promise<IssuedConsole>;
}

export interface ConsoleOutputs {
  /**
   * What a machine's serial line has said, as far as the node knows that has it open, with LF between the lines. Throws
   * `console_unavailable` where the machine has no line, `machine_not_running`, and `line_closed` where nobody has it open.
   */
  read(caller: Caller, machineId: string): Promise<string>;
}

export interface Sessions {
  list(
    caller: Caller,
    filter: PageRequest & {
      readonly state?: SessionState | undefined;
      readonly machineId?: string | undefined;
    },
  ): Promise<Page<Session>>;
  /** The same by page number, with the count of all pages; without cursors, so the deeper the dearer. */
  search(caller: Caller, filter: SessionSearch, window: Window): Promise<Found<Session>>;
  get(caller: Caller, id: string): Promise<Session>;
  /** Ends a console, wherever it is open: administrators any, members their own. What is over stays as it is. */
  end(caller: Caller, id: string): Promise<Session>;
}

/** What has all of these. Times are milliseconds since 1970, both ends included. */
export interface SessionSearch {
  readonly id?: string | undefined;
  readonly accountId?: string | undefined;
  readonly machineId?: string | undefined;
  readonly creatorAddress?: string | undefined;
  readonly viewerAddress?: string | undefined;
  readonly createdFrom?: number | undefined;
  readonly createdTo?: number | undefined;
  /** `open`: a viewer is there; `used`: one was there at some time. */
  readonly redeemed?: "open" | "used" | undefined;
}

export interface Settings {
  list(caller: Caller): Promise<readonly Setting[]>;
  /** `not_found` for an unknown name, `request_invalid` with the reason for a bad value, `conflict` where it is not `was` any more. */
  set(caller: Caller, name: string, value: string, was?: string): Promise<Setting>;
}

/** What becomes of a node once it carries no session: it waits, comes back as a new start, carries nothing more, or goes. */
export type DrainOutcome = "stay" | "restart" | "stop" | "destroy";

/** When sessions that are open are ended, and whether their viewers are told ahead. */
export interface DrainOptions {
  readonly outcome: DrainOutcome;
  /** In so many milliseconds; 0: at once; absent: they are waited for, however long that takes. */
  readonly deadlineMs?: number | undefined;
  readonly warn?: boolean | undefined;
}

/** What the CloudStack API asks of a node, as a job. */
export type NodeJobCommand = "reboot" | "stop" | "start" | "destroy";

/** How far that has come. */
export interface NodeJob {
  readonly id: string;
  readonly command: NodeJobCommand;
  readonly createdAt: Date;
  readonly accountId: string;
  readonly nodeId: string;
  readonly state: "running" | "done" | "failed";
  /** Absent once it is destroyed. */
  readonly node?: Node | undefined;
}

export interface Nodes {
  list(caller: Caller): Promise<readonly Node[]>;
  get(caller: Caller, id: string): Promise<Node>;
  /**
   * Takes new sessions off the node, and does what is to be done with it when those that are open have ended. Said again,
   * the later word counts.
   */
  drain(caller: Caller, id: string, options: DrainOptions): Promise<Node>;
  /** Takes that back, as far as it has not happened yet; a node that was stopped takes sessions again. */
  start(caller: Caller, id: string): Promise<Node>;
  addJoinToken(caller: Caller, token: NewJoinToken): Promise<JoinToken>;
  /** The CA by which nodes know control, and control its nodes. */
  authority(caller: Caller): Promise<NodeAuthority>;
  /** Refuses its certificate from now on, everywhere, and ends its sessions as far as control is concerned. */
  revoke(caller: Caller, id: string): Promise<Node>;
  /** Forgets a node that is down or revoked; `conflict` for one that is up. */
  remove(caller: Caller, id: string): Promise<void>;
}

/** Public addresses for nodes that have none of their own. */
export interface PublicIpRanges {
  /** The oldest first, which is the order in which they are used. */
  list(caller: Caller): Promise<readonly PublicIpRange[]>;
  /** `conflict` where it has an address in common with another one, of whichever pool. */
  add(caller: Caller, range: NewPublicIpRange): Promise<PublicIpRange>;
  /** Refused with `conflict` while nodes have addresses of it. */
  remove(caller: Caller, id: string): Promise<void>;
}

/** The same for those who ask now, and later how it went. */
export interface NodeJobs {
  /** `forced` ends open sessions at once; otherwise they are waited for. */
  start(
    caller: Caller,
    job: { readonly command: NodeJobCommand; readonly nodeId: string; readonly forced: boolean },
  ): Promise<NodeJob>;
  get(caller: Caller, id: string): Promise<NodeJob>;
}

/** The keys that seal tickets, by generations: the newest first. */
export interface TicketKeys {
  list(caller: Caller): Promise<readonly TicketKeyGeneration[]>;
  /** Makes the next generation. Links that were given out stay good. */
  rotate(caller: Caller): Promise<readonly TicketKeyGeneration[]>;
}

/** What name servers say of the domain of the consoles. */
export interface Names {
  /** With the names of a range of addresses, where one is given. `request_invalid` where there is no domain. */
  zone(caller: Caller, options?: { readonly range?: string | undefined }): Promise<DnsZone>;
}

/** What consoles need, looked at from control and its nodes. Changes nothing. */
export interface SelfChecks {
  control(caller: Caller, options?: SelfCheckRequest): Promise<SelfCheck>;
  /** Has nodes look at themselves and at hypervisors, and waits some seconds for them. `rate_limited` where many ask. */
  nodes(caller: Caller, options?: SelfCheckRequest): Promise<SelfCheck>;
}

/** What has all of these. Times are milliseconds since 1970, both ends included. */
export interface AuditFilter {
  readonly accountId?: string | undefined;
  /** The id of a machine, an account, a project, a node, or the name of a setting. */
  readonly object?: string | undefined;
  readonly action?: AuditAction | undefined;
  readonly from?: number | undefined;
  readonly to?: number | undefined;
}

export interface AuditLog {
  /** The newest first. */
  list(caller: Caller, filter: AuditFilter & PageRequest): Promise<Page<AuditRow>>;
  /** All of it that there is now, the oldest first, piece by piece: the next is read when it is asked for. */
  export(caller: Caller, filter: AuditFilter): Promise<AsyncIterable<readonly AuditRow[]>>;
}
