import { type Static, Type } from "typebox";

/** Everything that is ever written into the audit log: a closed list, so that a reader knows what a row can be. */
export const AUDIT_ACTIONS = {
  "sign-in":
    "somebody signed in, or tried to: with a one-time code, with the secret of an API key, or with a Keystone's token that opens nothing here; `detail` says why",
  "sign-out": "a web session was ended by its holder",
  "sign-in-link.add": "a one-time sign-in link was made for an account",
  "account.add":
    "an account was made, by an administrator or for a user of Keystone's; `detail` has its role and projects, or that user's id",
  "account.update": "an account was disabled, enabled, or given other projects; `detail` says which",
  "account.remove": "an account was removed, with its keys and memberships",
  "api-key.add": "an account got an API key",
  "api-key.remove": "an API key was removed",
  "project.add":
    "a project was made, by an administrator or for one of Keystone's; `detail` has that one's id",
  "project.remove": "a project was removed",
  "machine.add":
    "a machine was registered, or came into its project by a rule of its hypervisor; `detail` names the hypervisor",
  "machine.update": "a machine was changed; `detail` names the fields",
  "machine.remove": "a machine was removed, or its hypervisor has it no more; `detail` says so",
  "machine.assign":
    "a machine was given to another project, or one of a hypervisor's that waited to its first; `detail` has the project",
  "machine.start": "a machine's hypervisor was to start it, and took the order",
  "machine.stop": "the same, to have its guest shut down",
  "machine.cut": "the same, to take its power away",
  "machine.restart": "the same, to have its guest restart",
  "machine.reset": "the same, to restart it without asking its guest",
  "machine.screenshot":
    "a machine's hypervisor was asked what it shows: the first in an hour for an account and machine",
  "machine.output":
    "what a machine's serial line has said was read (`os-getConsoleOutput` of Nova's API): the first in an hour for an account and machine",
  "machine.password": "a guess at a machine's console password was wrong (`cmd=auth` of CloudStack's page)",
  "hypervisor.add": "control was told of a hypervisor; `detail` has its platform, its address and its rules",
  "hypervisor.update":
    "the rules of a hypervisor, or the TLS of its consoles, were changed; `detail` has which",
  "hypervisor.remove": "control was to forget a hypervisor; `detail` has its platform and its address",
  "setting.set": "a setting was changed; `detail` is the new value",
  "join-token.add": "a token was made with which nodes may join",
  "node.join":
    "a node joined with a join token, or as a pod with that of its service account, and got its certificate; `detail` names the pod",
  "node.connect": "a connection to the node link was refused",
  "node.register":
    "a start of a node registered; `detail` has the public address, where it was given a new one",
  "node.deregister": "a node said that it stops",
  "node.renew": "a node got a new certificate in place of its own",
  "node.drain":
    "a node was to take no new sessions; `detail` says what becomes of those that are open. The same of `node.restart`, `node.stop` and `node.destroy`",
  "node.restart": "a node was to end and come back",
  "node.stop": "a node was to carry nothing until it is started",
  "node.start": "a node was to take sessions again",
  "node.destroy": "a node was to end for ever; `node.remove` follows",
  "node.launch": "control had a node launched, to have room; `detail` has the order and the pool",
  "node.launch-failed": "control gave up a node that it had launched; `detail` has the order and the reason",
  "node.revoke": "a node's certificate is refused from now on",
  "node.remove":
    "a node that was down, revoked or destroyed was forgotten; `detail` has the public address that it gave back",
  "public-ip-range.add": "a pool got a range of public addresses; `detail` has the range and the pool",
  "public-ip-range.remove": "a range of public addresses was taken from a pool; `detail` has both",
  "certificate.upload":
    "a certificate for nodes was uploaded, or a part of its chain; `detail` has its names, its end and its pool",
  "certificate.remove": "a certificate was removed; `detail` has its names, its end and its pool",
  "certificate.issue":
    "an authority issued a certificate for nodes by ACME; `detail` has its names and its end",
  "certificate.issue-failed": "no certificate was issued by ACME; `detail` says why",
  "acme.configure":
    "certificates are to come from an authority by ACME, or something of that was changed; `detail` has what",
  "acme.renew": "a new certificate was asked for before its time",
  "acme.disable": "certificates come by ACME no more; `detail` has the authority's directory",
  "keystone.configure":
    "tokens of a Keystone are to be good, or something of that was changed; `detail` has what",
  "keystone.disable": "tokens of that Keystone are good no more; `detail` has its URL",
  "ticket-key.rotate": "a new generation of ticket keys was made; `detail` is its number",
  "console.issue": "a console's ticket was issued, or refused",
  "console.reopen": "a viewer asked for its console again, and got a ticket, or not",
  "console.redeem":
    "a node redeemed a ticket for a viewer, or control would not have it; `detail` says so where no control could be asked",
  "console.close": "somebody asked that a console be ended, wherever it is open; `console.end` follows",
  "console.end": "a console ended; where it was closed by either side the result is `ok`",
  "thumbnail.issue":
    "a small picture of a screen was issued: the first in an hour for an account and machine",
  "audit.list": "somebody without the right asked for the audit log",
  "audit.export": "the audit log was exported",
  "refusals.omitted": "more was refused in a minute than is written down; `detail` is how much",
} as const satisfies Readonly<Record<string, string>>;
export type AuditAction = keyof typeof AUDIT_ACTIONS;
export const AUDIT_ACTION_NAMES = Object.keys(AUDIT_ACTIONS) as readonly AuditAction[];

const AUDIT_OBJECT_KINDS = [
  "account",
  "api-key",
  "project",
  "machine",
  "setting",
  "node",
  "join-token",
  "public-ip-range",
  "certificate",
  "hypervisor",
] as const;
export type AuditObjectKind = (typeof AUDIT_OBJECT_KINDS)[number];

/** The door that somebody came through; `link` is that of the nodes. */
const AUDIT_APIS = ["cloudstack", "native", "nova", "web", "link"] as const;
export type AuditApi = (typeof AUDIT_APIS)[number];

const optional = (description: string) => Type.Optional(Type.String({ description }));

/** One row of the audit log: who did what to what, from where, and what came of it. What is not known is absent. */
export const AuditRow = Type.Object({
  id: Type.String({ description: "In the order of time." }),
  at: Type.String({ format: "date-time", description: "RFC 3339, UTC" }),
  action: Type.Enum([...AUDIT_ACTION_NAMES]),
  result: Type.String({ description: "`ok`, or a code of the catalogue of errors." }),
  accountId: optional("Who: the account."),
  account: optional("The account's name at that time."),
  apiKey: optional("The API key that was used; it is no secret."),
  nodeId: optional("The node that asked, or that it was about."),
  address: optional("From where: the network address of the caller, or of the viewer."),
  api: Type.Optional(Type.Enum([...AUDIT_APIS])),
  object: Type.Optional(
    Type.Object({
      kind: Type.Enum([...AUDIT_OBJECT_KINDS]),
      id: Type.Optional(Type.String()),
      name: optional("At that time."),
    }),
  ),
  sessionId: optional("The console's session."),
  reference: optional("The request, as its caller was told and as it stands in control's log."),
  detail: Type.Optional(Type.String()),
});
export type AuditRow = Static<typeof AuditRow>;
