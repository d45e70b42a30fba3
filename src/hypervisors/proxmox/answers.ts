import { type Static, type TSchema, Type } from "typebox";

const VMID = Type.Integer({ minimum: 100, maximum: 999_999_999 });
/** It stands in paths. */
const Node = Type.String({ pattern: "^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$" });
/** Perl has numbers as texts now and then. */
const Port = Type.Union([
  Type.Integer({ minimum: 5900, maximum: 5999 }),
  Type.String({ pattern: "^59\\d\\d$" }),
]);
const Flag = Type.Union([Type.Boolean(), Type.Integer(), Type.Null()]);
const optional = { text: Type.Optional(Type.String()) };

/** Of GET /cluster/resources?type=vm: what is not asked for here is not looked at. */
const Resource = Type.Object({
  vmid: VMID,
  type: Type.String(),
  node: Node,
  status: Type.Optional(Type.String()),
  name: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  template: Type.Optional(Flag),
  uptime: Type.Optional(Type.Number()),
});
export type Resource = Static<typeof Resource>;

const MachineConfig = Type.Object({
  name: optional.text,
  ostype: optional.text,
  smbios1: optional.text,
  meta: optional.text,
  vga: optional.text,
  serial0: optional.text,
  serial1: optional.text,
  serial2: optional.text,
  serial3: optional.text,
});
export type MachineConfig = Static<typeof MachineConfig>;

const Ticket = Type.String({ minLength: 1, maxLength: 1_024, pattern: "^[\\x21-\\x7e]+$" });

const VncProxy = Type.Object({
  ticket: Ticket,
  port: Port,
  password: Type.Optional(Type.String({ minLength: 1, maxLength: 64, pattern: "^[\\x21-\\x7e]+$" })),
});

const TermProxy = Type.Object({
  /** Whose ticket it is. A colon ends it where both are said. */
  user: Type.String({ minLength: 1, maxLength: 256, pattern: "^[\\x21-\\x39\\x3b-\\x7e]+$" }),
  ticket: Ticket,
  port: Port,
});

/** What there is to ask, and what stands under `data` in the answer. */
export const ANSWERS = {
  resources: Type.Array(Resource),
  nodes: Type.Array(Type.Object({ node: Node, status: Type.Optional(Type.String()) })),
  /** Of a node: how its machines are at this moment. */
  machines: Type.Array(Type.Object({ vmid: VMID, status: Type.String() })),
  config: MachineConfig,
  status: Type.Object({ status: Type.String() }),
  vncProxy: VncProxy,
  /** The id of the task that does it. */
  task: Type.Union([Type.String(), Type.Null()]),
  permissions: Type.Record(Type.String(), Type.Record(Type.String(), Flag)),
  certificates: Type.Array(
    Type.Object({ filename: Type.String(), fingerprint: Type.Optional(Type.String()) }),
  ),
  termProxy: TermProxy,
} as const satisfies Record<string, TSchema>;
export type Asked = keyof typeof ANSWERS;
export type Answer<What extends Asked> = Static<(typeof ANSWERS)[What]>;
