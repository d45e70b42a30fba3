import { type Static, type TSchema, Type } from "typebox";
import { Id, Name, Pool, Time } from "./api.ts";
import { GUEST_FAMILIES, HYPERVISOR_STATES, POWER_STATES } from "./machine-origin.ts";
import { MachineTls, NewMachineTls } from "./machine-security.ts";

/**
 * On the way to a hypervisor, in the order in which they are taken; no way has all of them. Whatever fails says at which
 * it did.
 */
export const HYPERVISOR_STEPS = [
  "command",
  "dns",
  "tcp",
  "socket",
  "tls",
  "host-key",
  "credentials",
  "answer",
  "rights",
] as const;
export type HypervisorStep = (typeof HYPERVISOR_STEPS)[number];

export const HYPERVISOR_PLATFORMS = [
  "libvirt",
  "xenserver",
  "vsphere",
  "proxmox",
  "kubevirt",
  "command",
] as const;
const Platform = Type.Enum([...HYPERVISOR_PLATFORMS]);

/** The ways to a console of vSphere's. With `both` it is WebMKS wherever there is that. */
export const CONSOLE_WAYS = ["webmks", "vnc", "both"] as const;
export type ConsoleWay = (typeof CONSOLE_WAYS)[number];

const Address = Type.String({
  minLength: 1,
  maxLength: 512,
  description:
    "As libvirt's own tools have it: qemu+tls://HOST/system, qemu+ssh://USER@HOST/system, qemu:///system. Of XenServer and XCP-ng: https://HOST[:PORT], or https://HOST,HOST for several hosts of one pool, and behind it ?consoles=websocket where nodes are to ask for consoles by WebSocket. Of vSphere: https://VCENTER or https://VCENTER:PORT, or the same of an ESXi host. Of Proxmox VE: https://HOST[:PORT], further nodes of the cluster behind commas. Of KubeVirt: in-cluster, kubeconfig[:CONTEXT] or https://HOST[:PORT], and ?namespace=NAMESPACE for the machines of one. Of a command: EXECUTABLE or EXECUTABLE:TARGET, where the executable is one of control's --command-drivers, and the target is for it to read",
});
const Pem = Type.String({ minLength: 1, maxLength: 65_536 });
const SignInSecret = Type.String({
  minLength: 1,
  maxLength: 65_536,
  description: "The password or token of the account; for a command, whatever it signs in with",
});
const Username = Type.String({
  minLength: 1,
  maxLength: 255,
  description: "Whose secret that is, as the platform writes accounts and tokens",
});
const Pin = Type.String({
  minLength: 1,
  maxLength: 128,
  description: "sha256: or sha1: and the fingerprint of the certificate of its API, in place of an authority",
});

/** What may be needed to get in. Kept encrypted, and never told again. */
export const HypervisorCredentials = Type.Object(
  {
    caCertificate: Type.Optional(Pem),
    clientCertificate: Type.Optional(Pem),
    clientKey: Type.Optional(Pem),
    sshKey: Type.Optional(Pem),
    sshKnownHosts: Type.Optional(Pem),
    username: Type.Optional(Username),
    secret: Type.Optional(SignInSecret),
    pin: Type.Optional(Pin),
  },
  { additionalProperties: false },
);
export type HypervisorCredentials = Static<typeof HypervisorCredentials>;

const orNull = <Schema extends TSchema>(schema: Schema) => Type.Optional(Type.Union([schema, Type.Null()]));

/** What is given is put in place of what was; null: it is forgotten. */
const ChangedCredentials = Type.Object(
  {
    caCertificate: orNull(Pem),
    clientCertificate: orNull(Pem),
    clientKey: orNull(Pem),
    sshKey: orNull(Pem),
    sshKnownHosts: orNull(Pem),
    username: orNull(Username),
    secret: orNull(SignInSecret),
    pin: orNull(Pin),
  },
  { additionalProperties: false, description: "Each by itself; what is absent stays, and null forgets it" },
);
export type ChangedCredentials = Static<typeof ChangedCredentials>;

const hypervisorLimits = {
  /** Each is tried on every machine that has no project. */
  rules: 100,
} as const;

/** Into which project machines come by their names. */
export const HypervisorRule = Type.Object(
  {
    name: Type.String({
      minLength: 1,
      maxLength: 128,
      description: "The machine's name: * stands for anything, ? for one character",
    }),
    project: Type.String({ minLength: 1, maxLength: 128, description: "id or name" }),
  },
  { additionalProperties: false },
);
export type HypervisorRule = Static<typeof HypervisorRule>;

const Rules = Type.Array(HypervisorRule, {
  maxItems: hypervisorLimits.rules,
  description: "The first that fits counts; a machine that none fits waits until somebody assigns it",
});

const SessionPasswords = Type.Boolean({
  description:
    "VNC gets a random password with an end for the sessions that are about to open; what stands in a machine's definition is replaced by one that has expired",
});
const SerialStreams = Type.Boolean({
  description:
    "Of libvirt: nodes sign in to it for serial lines that it alone reaches, such as pseudo-terminals: at its socket on their own machine, or by TLS with what control is let in by, which they are given for that",
});
const ReadOnly = Type.Boolean({
  description: "Asked to show only: nothing can be switched, and passwords stay hidden",
});
const Consoles = Type.Enum([...CONSOLE_WAYS], {
  description:
    "Of vSphere: by which of its ways consoles open. webmks, which it is if nothing is said, needs nothing on the hosts; vnc has a port and a random password set at the machine while its console is open, on hosts before 7.0; both takes VNC where there is no WebMKS",
});

export const NewHypervisor = Type.Object(
  {
    name: Name,
    platform: Platform,
    address: Address,
    credentials: Type.Optional(HypervisorCredentials),
    rules: Type.Optional(Rules),
    /** The default pool if absent. */
    pool: Type.Optional(Pool),
    consoleTls: Type.Optional(NewMachineTls),
    sessionPasswords: Type.Optional(SessionPasswords),
    serialStreams: Type.Optional(SerialStreams),
    consoles: Type.Optional(Consoles),
    readOnly: Type.Optional(ReadOnly),
  },
  { additionalProperties: false },
);
export type NewHypervisor = Static<typeof NewHypervisor>;

export const HypervisorChange = Type.Object(
  {
    name: Type.Optional(Name),
    address: Type.Optional(Address),
    credentials: Type.Optional(ChangedCredentials),
    sessionPasswords: Type.Optional(SessionPasswords),
    serialStreams: Type.Optional(SerialStreams),
    consoles: Type.Optional(Consoles),
    readOnly: Type.Optional(ReadOnly),
    rules: Type.Optional(Rules),
    /** Its machines come along, but for those that were given a pool of their own. */
    pool: Type.Optional(Pool),
    /** As a whole; null: the consoles of its machines are reached without TLS. */
    consoleTls: Type.Optional(Type.Union([NewMachineTls, Type.Null()])),
  },
  { additionalProperties: false },
);
export type HypervisorChange = Static<typeof HypervisorChange>;

export const Hypervisor = Type.Object({
  id: Id,
  name: Name,
  platform: Platform,
  address: Address,
  readOnly: Type.Boolean(),
  sessionPasswords: Type.Boolean({
    description: "Whether the consoles of its machines get passwords of their own",
  }),
  serialStreams: Type.Boolean({
    description: "Of libvirt: whether nodes sign in to it for serial lines that it alone reaches",
  }),
  consoles: Type.Optional(Consoles),
  rules: Rules,
  pool: Pool,
  consoleTls: Type.Optional(MachineTls),
  state: Type.Optional(
    Type.Enum([...HYPERVISOR_STATES], {
      description: "Whether control hears from it; absent until it is tried",
    }),
  ),
  stateSince: Type.Optional(Time),
  problem: Type.Optional(
    Type.String({ description: "Why it is down, in the words of the step that failed" }),
  ),
  machines: Type.Integer({ description: "Of its machines, those that have a project" }),
  waiting: Type.Integer({ description: "And those that have none" }),
  createdAt: Time,
});
export type Hypervisor = Static<typeof Hypervisor>;

/** How the way to a hypervisor was, just now. */
export const HypervisorTest = Type.Object({
  ok: Type.Boolean(),
  failedStep: Type.Optional(Type.Enum([...HYPERVISOR_STEPS])),
  detail: Type.Optional(Type.String({ description: "What was said at the step that failed" })),
  machines: Type.Optional(Type.Integer({ description: "How many it has" })),
  outside: Type.Optional(
    Type.String({
      description:
        "Where nodes are to sign in to a libvirt for serial lines and may not, as the setting upstream.allow would have it",
    }),
  ),
  silent: Type.Optional(
    Type.Array(Type.String(), {
      description:
        "Its parts that do not answer, such as nodes of a cluster: their machines are not counted, and stay as they are on record",
    }),
  ),
});
export type HypervisorTest = Static<typeof HypervisorTest>;

/** A machine that a hypervisor has, and no project yet. It keeps its id when it gets one. */
export const WaitingMachine = Type.Object({
  id: Id,
  name: Name,
  hypervisor: Type.Object({ id: Id, name: Name }),
  address: Type.String({ description: "By which the hypervisor knows it" }),
  power: Type.Enum([...POWER_STATES]),
  guest: Type.Enum([...GUEST_FAMILIES]),
  createdAt: Time,
});
export type WaitingMachine = Static<typeof WaitingMachine>;

export const MachineAssignment = Type.Object(
  { project: Type.String({ minLength: 1, maxLength: 128, description: "id or name" }) },
  { additionalProperties: false },
);
