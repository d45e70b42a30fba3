import { type Static, type TSchema, Type } from "typebox";
import { AskedProtocol, ConsoleProtocol, PROTOCOLS } from "./grant.ts";
import { Address, SerialAddress } from "./machine-address.ts";
import { FROM_HYPERVISOR } from "./machine-origin.ts";
import { MachineTls, NEW_SECURITY, SECURITY_CHANGE } from "./machine-security.ts";
import { UpstreamStep } from "./upstream-step.ts";
import { ENDING_KINDS } from "./viewer.ts";

/**
 * The native REST API's bodies: control validates with these schemas and publishes them in
 * /api/v1/openapi.json, the CLI and the web pages take their types from them.
 */
export const API_PREFIX = "/api/v1";

/** The project of machines that are registered without one. Every installation has it. */
export const DEFAULT_PROJECT = "default";

/** The pool of nodes that join without one, and of machines that name none. */
export const DEFAULT_POOL = "default";

export const Id = Type.String({ minLength: 1, maxLength: 64 });
export const Time = Type.String({ format: "date-time", description: "RFC 3339, UTC" });
/** Names are shown, logged and exported: printable characters, no control or direction marks. */
export const Name = Type.String({
  minLength: 1,
  maxLength: 128,
  pattern: "^[^\\p{C}\\p{Zl}\\p{Zp}]+$",
  description: "1 to 128 printable characters, without line ends and tabs",
});

/** As a label of DNS is written, so that it can stand anywhere. */
export const Pool = Type.String({
  maxLength: 63,
  pattern: "^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$",
  description: "a pool of nodes: lower-case letters, digits and hyphens",
});

export const ErrorBody = Type.Object({
  error: Type.Object({
    code: Type.String(),
    message: Type.String(),
    remedy: Type.String(),
    retryable: Type.Boolean(),
    detail: Type.Optional(Type.String()),
    problems: Type.Optional(
      Type.Array(Type.String(), {
        description: "Everything that is wrong, where `detail` has the beginning of it",
      }),
    ),
    reference: Type.Optional(Type.String()),
  }),
});

export const MACHINE_STATES = ["running", "stopped"] as const;
export type MachineState = (typeof MACHINE_STATES)[number];
const MachineStateSchema = Type.Enum([...MACHINE_STATES]);
const ProtocolSchema = Type.Enum([...PROTOCOLS]);

export const Machine = Type.Object({
  id: Id,
  name: Name,
  projectId: Id,
  project: Name,
  /** Of the console that is opened where none is asked for by name. */
  protocol: ProtocolSchema,
  /**
   * The consoles that can be asked for, `protocol` included. Whether a machine of a hypervisor has them now is known when one is
   * opened. Absent from an older control, which has `protocol` alone.
   */
  protocols: Type.Optional(Type.Array(ProtocolSchema)),
  /** Whose nodes carry its consoles. Absent from an older control. */
  pool: Type.Optional(Pool),
  state: MachineStateSchema,
  ...FROM_HYPERVISOR,
  createdAt: Time,
  /** Administrators only, as are all below. */
  hypervisor: Type.Optional(Type.Object({ id: Id, name: Name })),
  address: Type.Optional(Type.String()),
  serialAddress: Type.Optional(Type.String()),
  username: Type.Optional(Type.String()),
  tls: Type.Optional(MachineTls),
});
export type Machine = Static<typeof Machine>;

export const NewMachine = Type.Object(
  {
    name: Name,
    protocol: ProtocolSchema,
    /** Of a machine whose protocol is `serial`, as `serialAddress` is written. */
    address: Address,
    serialAddress: Type.Optional(SerialAddress),
    ...NEW_SECURITY,
    project: Type.Optional(
      Type.String({ minLength: 1, maxLength: 128, description: "id or name; the default project if absent" }),
    ),
    /** The default pool if absent. */
    pool: Type.Optional(Pool),
  },
  { additionalProperties: false },
);
export type NewMachine = Static<typeof NewMachine>;

export const MachineChange = Type.Object(
  {
    name: Type.Optional(Name),
    address: Type.Optional(Address),
    /** Null takes it away. */
    serialAddress: Type.Optional(Type.Union([SerialAddress, Type.Null()])),
    ...SECURITY_CHANGE,
    pool: Type.Optional(Pool),
    state: Type.Optional(MachineStateSchema),
  },
  { additionalProperties: false },
);
export type MachineChange = Static<typeof MachineChange>;

/** Lists are paged: `next` is the `after` of the next page, absent on the last one. */
export function Page<Item extends TSchema>(item: Item) {
  return Type.Object({ items: Type.Array(item), next: Type.Optional(Type.String()) });
}
export interface Page<Item> {
  readonly items: readonly Item[];
  readonly next?: string;
}

export const pageLimits = { defaultItems: 100, maximumItems: 500 } as const;

export const ConsoleRequest = Type.Object(
  {
    /** The machine's own if absent. */
    protocol: Type.Optional(AskedProtocol),
    viewOnly: Type.Optional(Type.Boolean()),
    /** A further secret that the viewer must bring beside the ticket. */
    extra: Type.Optional(Type.String({ minLength: 1, maxLength: 255 })),
    /** Binds the ticket to one address of the viewer. */
    callerAddress: Type.Optional(Type.String({ minLength: 2, maxLength: 64 })),
  },
  { additionalProperties: false },
);
export type ConsoleRequest = Static<typeof ConsoleRequest>;

export const Console = Type.Object({
  sessionId: Id,
  /** The page that shows the console; works once, until `expiresAt`. */
  url: Type.String(),
  /** For clients that bring their own viewer. */
  websocket: Type.Object({
    host: Type.String(),
    port: Type.Integer(),
    path: Type.String(),
    token: Type.String(),
    extra: Type.Optional(Type.String()),
  }),
  expiresAt: Time,
});
export type Console = Static<typeof Console>;

export const SESSION_STATES = ["pending", "active", "detached", "closing", "ended"] as const;
export type SessionState = (typeof SESSION_STATES)[number];

export const Session = Type.Object({
  id: Id,
  state: Type.Enum([...SESSION_STATES]),
  machineId: Id,
  machine: Type.String(),
  projectId: Id,
  accountId: Id,
  account: Type.String(),
  protocol: ConsoleProtocol,
  viewOnly: Type.Boolean(),
  nodeId: Id,
  createdAt: Time,
  redeemedAt: Type.Optional(Time),
  endedAt: Type.Optional(Time),
  creatorAddress: Type.String(),
  viewerAddress: Type.Optional(Type.String()),
  ending: Type.Optional(
    Type.Object({
      kind: Type.Enum([...ENDING_KINDS]),
      code: Type.String(),
      detail: Type.Optional(Type.String()),
      step: Type.Optional(UpstreamStep),
    }),
  ),
  bytesToViewer: Type.Integer(),
  bytesFromViewer: Type.Integer(),
});
export type Session = Static<typeof Session>;

export const Project = Type.Object({ id: Id, name: Name, createdAt: Time });
export type Project = Static<typeof Project>;
export const NewProject = Type.Object({ name: Name }, { additionalProperties: false });
export type NewProject = Static<typeof NewProject>;

export const ROLES = ["admin", "member"] as const;
export type Role = (typeof ROLES)[number];

export const Account = Type.Object({
  id: Id,
  name: Name,
  role: Type.Enum([...ROLES]),
  projects: Type.Array(Project),
  /** It can do nothing, and its consoles were ended. */
  disabled: Type.Boolean(),
  createdAt: Time,
});
export type Account = Static<typeof Account>;
export const NewAccount = Type.Object(
  {
    name: Name,
    role: Type.Enum([...ROLES]),
    /** Ids or names of the projects whose machines a member may open. */
    projects: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 128 }), { maxItems: 100 })),
  },
  { additionalProperties: false },
);
export type NewAccount = Static<typeof NewAccount>;

/** What is absent stays as it is. Consoles that the account may no longer have are ended. */
export const AccountChange = Type.Object(
  {
    disabled: Type.Optional(Type.Boolean()),
    /** Ids or names: all the projects whose machines a member may open from now on. */
    projects: Type.Optional(Type.Array(Type.String({ minLength: 1, maxLength: 128 }), { maxItems: 100 })),
  },
  { additionalProperties: false, minProperties: 1 },
);
export type AccountChange = Static<typeof AccountChange>;

/** The secret key is shown once, when it is made. */
export const NewApiKey = Type.Object({ apiKey: Type.String(), secretKey: Type.String() });
export type NewApiKey = Static<typeof NewApiKey>;
export const ApiKey = Type.Object({ apiKey: Type.String(), createdAt: Time });
export type ApiKey = Static<typeof ApiKey>;

/** One-time code for the fragment of control's page; exchanged by POST for a cookie. */
export const SignInLink = Type.Object({ url: Type.String(), expiresAt: Time });
export type SignInLink = Static<typeof SignInLink>;
export const SignIn = Type.Object(
  { code: Type.String({ minLength: 1, maxLength: 128 }) },
  { additionalProperties: false },
);
export type SignIn = Static<typeof SignIn>;

export const Setting = Type.Object({
  name: Type.String(),
  value: Type.String(),
  fallback: Type.String(),
  description: Type.String(),
  list: Type.Optional(
    Type.Boolean({
      description: "Items separated by commas, such as “porthole setting add” takes one more of",
    }),
  ),
});
export type Setting = Static<typeof Setting>;
export const SettingValue = Type.Object(
  {
    value: Type.String({ maxLength: 4096 }),
    was: Type.Optional(
      Type.String({
        maxLength: 4096,
        description:
          "The value that was read before: where it is another by now, nothing is set (`conflict`)",
      }),
    ),
  },
  { additionalProperties: false },
);
export type SettingValue = Static<typeof SettingValue>;

/** Names that CloudStack's system VMs have too, where they mean the same. */
const NODE_STATES = ["starting", "running", "draining", "stopping", "stopped", "revoked"] as const;
export type NodeState = (typeof NODE_STATES)[number];
const NODE_AGENT_STATES = ["connecting", "up", "down", "disconnected"] as const;
export type NodeAgentState = (typeof NODE_AGENT_STATES)[number];

/** What becomes of sessions that are open on a node that is drained. Without a deadline they are waited for. */
export const NodeDrain = Type.Object(
  {
    now: Type.Optional(Type.Boolean({ description: "Ends them at once; their viewers are told why." })),
    deadlineSeconds: Type.Optional(
      Type.Integer({ minimum: 0, maximum: 31_536_000, description: "Ends them then." }),
    ),
    warn: Type.Optional(Type.Boolean({ description: "Tells their viewers ahead." })),
  },
  { additionalProperties: false },
);
export type NodeDrain = Static<typeof NodeDrain>;

export const Node = Type.Object({
  id: Id,
  /** Absent from an older control. */
  pool: Type.Optional(Pool),
  state: Type.Enum([...NODE_STATES], {
    description:
      "What is wanted of it and has come about. `starting`: it has not registered, or is to come back; `draining`: it takes no new sessions and carries those that are open; `stopping`: the same, before it stops or goes; `stopped`: it carries none and takes none; `revoked`: its certificate is refused, and it has to join again as another node.",
  }),
  agentState: Type.Enum([...NODE_AGENT_STATES], {
    description:
      "Whether its process is heard of. `connecting`: it never was; `down`: it fell silent; `disconnected`: it said that it stops.",
  }),
  draining: Type.Optional(
    Type.Object({
      since: Time,
      /** What becomes of it then. */
      outcome: Type.Enum(["stay", "restart", "stop", "destroy", "leave"], {
        description: "What becomes of it once it carries no session; `leave`: it was stopped where it runs.",
      }),
      deadline: Type.Optional(
        Type.String({
          format: "date-time",
          description: "When what is open is ended; absent: it is waited for.",
        }),
      ),
      sessions: Type.Integer({
        description: "What is still open on it, links that nobody used yet included.",
      }),
    }),
  ),
  pageOrigin: Type.String(),
  webSocketOrigin: Type.String(),
  publicPath: Type.Optional(
    Type.String({ description: "What a front proxy has put before its paths, such as /console." }),
  ),
  certificate: Type.Optional(
    Type.Object(
      {
        id: Type.String({ description: "SHA-256 of it, in hexadecimal." }),
        notAfter: Time,
        chainId: Type.Optional(
          Type.String({
            description:
              "Of one that was uploaded: that of the certificate. Absent: it is of the installation's own CA.",
          }),
        ),
      },
      { description: "What it has said that it serves TLS under; absent: it serves plain HTTP." },
    ),
  ),
  certificateProblem: Type.Optional(
    Type.String({
      description:
        "Why it goes on with that, and does not serve the one that it is to serve; or which of its names that is not for.",
    }),
  ),
  /** Its public address, where it was given it out of a range of its pool. */
  givenAddress: Type.Optional(Type.String()),
  /** Where other nodes hand on to it: what tells nodes apart that share an entrance. */
  forwardAddress: Type.Optional(Type.String()),
  sessions: Type.Integer({ description: "What it last said that it carries." }),
  maximumSessions: Type.Optional(Type.Integer({ description: "How many it takes at most." })),
  version: Type.String(),
  seenAt: Time,
});
export type Node = Static<typeof Node>;

/** What name servers say of the domain of the consoles. */
export const DnsZone = Type.Object({
  domain: Type.String(),
  /** As a master file (RFC 1035 §5). */
  zone: Type.String(),
});
export type DnsZone = Static<typeof DnsZone>;

/** Of a join token where its maker says nothing. */
export const joinTokenDefaults = { pool: DEFAULT_POOL, uses: 1, expiresInSeconds: 24 * 60 * 60 } as const;

export const NewJoinToken = Type.Object(
  {
    /** Of the nodes that join with it; the default pool if absent. */
    pool: Type.Optional(Pool),
    uses: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000 })),
    expiresInSeconds: Type.Optional(Type.Integer({ minimum: 1, maximum: 31_536_000 })),
  },
  { additionalProperties: false },
);
export type NewJoinToken = Static<typeof NewJoinToken>;
export const JoinToken = Type.Object({ token: Type.String(), expiresAt: Time });
export type JoinToken = Static<typeof JoinToken>;

export const TicketKeyGeneration = Type.Object({
  generation: Type.Integer({ minimum: 1 }),
  createdAt: Time,
  /** Nodes that have it as the newest: their links are sealed with it. */
  nodes: Type.Integer({ minimum: 0 }),
  /** Since when no link is sealed with it any more. An hour later nodes forget it. */
  retiringSince: Type.Optional(Time),
});
export type TicketKeyGeneration = Static<typeof TicketKeyGeneration>;
