import { type Static, Type } from "typebox";
import { reader } from "./json-rpc.ts";

const limits = {
  /** Machines with their templates and snapshots, of the largest pools. */
  records: 50_000,
  nameCharacters: 4_096,
} as const;

/** What no object has: its field is set to nothing. */
export const NO_REF = "OpaqueRef:NULL";

/** Such as fits into a cookie and into a question, in which it stands between quotes. */
const Ref = Type.String({ pattern: "^OpaqueRef:[A-Za-z0-9-]{1,64}$" });
const Uuid = Type.String({ pattern: "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$" });
const Name = Type.String({ maxLength: limits.nameCharacters });

const Vm = Type.Object({
  uuid: Uuid,
  name_label: Name,
  power_state: Type.String({ maxLength: 64 }),
  is_a_template: Type.Boolean(),
  is_a_snapshot: Type.Boolean(),
  is_control_domain: Type.Boolean(),
  resident_on: Ref,
  guest_metrics: Ref,
});
export type Vm = Static<typeof Vm>;

const GuestMetrics = Type.Object({
  os_version: Type.Record(Type.String(), Type.String({ maxLength: 1_024 })),
});
export type GuestMetrics = Static<typeof GuestMetrics>;

const Console = Type.Object({
  uuid: Uuid,
  /** rfb, vt100 or rdp. */
  protocol: Type.String({ maxLength: 64 }),
  location: Type.String({ maxLength: 2_048 }),
});
export type Console = Static<typeof Console>;

const Pool = Type.Object({
  uuid: Uuid,
  /** Since XAPI 25; absent: there is no such limit. */
  limit_console_sessions: Type.Optional(Type.Boolean()),
});

const Host = Type.Object({ address: Type.String({ maxLength: 255 }) });
const Certificate = Type.Object({
  /** SHA-256, as AB:CD:…; `fingerprint` before XAPI 24.19. */
  fingerprint: Type.Optional(Type.String({ maxLength: 256 })),
  fingerprint_sha256: Type.Optional(Type.String({ maxLength: 256 })),
});

const Event = Type.Object({
  class: Type.String({ maxLength: 64 }),
  operation: Type.Enum(["add", "mod", "del"]),
  ref: Type.String({ maxLength: 256 }),
  snapshot: Type.Optional(Type.Unknown()),
});
export type XapiEvent = Static<typeof Event>;

const all = <Schema extends Parameters<typeof Type.Record>[1]>(schema: Schema) =>
  Type.Record(Ref, schema, { maxProperties: limits.records, additionalProperties: false });

/** Of what XAPI says, that of which something is taken. */
export const read = {
  ref: reader("reference", Ref),
  vm: reader("machine", Vm),
  vms: reader("list of machines", all(Vm)),
  guestMetrics: reader("guest", GuestMetrics),
  allGuestMetrics: reader("list of guests", all(GuestMetrics)),
  consoles: reader("list of consoles", all(Console)),
  pools: reader("pool", all(Pool)),
  host: reader("host", Host),
  hosts: reader("list of hosts", all(Host)),
  certificates: reader("list of certificates", all(Certificate)),
  events: reader(
    "list of events",
    Type.Object({
      token: Type.String({ minLength: 1, maxLength: 256 }),
      events: Type.Array(Event, { maxItems: 4 * limits.records }),
    }),
  ),
  task: reader(
    "task",
    Type.Object({
      status: Type.String({ maxLength: 64 }),
      error_info: Type.Array(Type.String({ maxLength: 4_096 }), { maxItems: 64 }),
    }),
  ),
} as const;
