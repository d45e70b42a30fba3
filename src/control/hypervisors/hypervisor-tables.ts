import type { Generated } from "kysely";
import type { ConsoleWay, HYPERVISOR_PLATFORMS } from "#wire/hypervisors.ts";
import type { GuestFamily, HypervisorState, PowerState } from "#wire/machine-origin.ts";

/** What is on record of hypervisors, as a part of the schema. */
export interface HypervisorTables {
  hypervisors: HypervisorTable;
  hypervisor_rules: HypervisorRuleTable;
  waiting_machines: WaitingMachineTable;
  departed_machines: DepartedMachineTable;
  console_leases: ConsoleLeaseTable;
  console_ports: ConsolePortTable;
  departed_withheld: DepartedWithheldTable;
}

/** Platforms that are asked for their machines. */
interface HypervisorTable {
  id: string;
  name: string;
  name_key: string;
  platform: (typeof HYPERVISOR_PLATFORMS)[number];
  address: string;
  credentials_sealed: string;
  is_read_only: number;
  /** Whether each console gets a password of its own; the key by which it is made is among the credentials. */
  has_session_passwords: Generated<0 | 1>;
  /** Of libvirt: whether nodes sign in to it for serial lines. */
  has_serial_streams: Generated<0 | 1>;
  /** Of vSphere; null: `webmks`. */
  consoles: Generated<ConsoleWay | null>;
  /** Whose nodes carry the consoles of its machines, but for those of which somebody has said another. */
  pool: Generated<string>;
  /** JSON, a MachineTls: how nodes reach the consoles of all its machines. Null: without TLS. */
  console_tls: Generated<string | null>;
  /** Of the client certificate in `console_tls`. */
  console_key_sealed: Generated<string | null>;
  /** How following it goes; null: it was not tried yet. */
  state: Generated<HypervisorState | null>;
  state_since: Generated<number | null>;
  /** Whose machines are on record, as its platform says it; null: it was not heard from yet. See identity.ts. */
  identity: Generated<string | null>;
  /** Why it is down, for administrators. */
  problem: Generated<string | null>;
  created_at: number;
}

/** Into which project a hypervisor's machines come, by their names: the first rule that fits, in the order of `position`. */
interface HypervisorRuleTable {
  hypervisor_id: string;
  position: number;
  /** With * for anything and ? for one character. */
  pattern: string;
  project_id: string;
}

/** Machines that a hypervisor has and that no project has yet. Once one has, its row is among `machines`, under the same id. */
interface WaitingMachineTable {
  id: string;
  hypervisor_id: string;
  address: string;
  name: string;
  name_key: string;
  power: PowerState;
  guest: GuestFamily;
  /** It was taken out of its project by hand, and no rule puts it into one. */
  is_withheld: 0 | 1;
  /** Since when it was seen to run; null while it does not, or where a version before wrote the row. */
  running_since: Generated<number | null>;
  created_at: number;
}

/** What is kept for a time of machines that their hypervisors have no more: see moving.ts. */
interface DepartedMachineTable {
  id: string;
  hypervisor_id: string;
  address: string;
  project_id: string;
  pool: string;
  password_sealed: string | null;
  left_at: number;
}

/** The same of machines that were taken out of their projects by hand. */
interface DepartedWithheldTable {
  id: string;
  hypervisor_id: string;
  address: string;
  left_at: number;
}

/** What a hypervisor lent for a console, until it is given back: see leases.ts. */
interface ConsoleLeaseTable {
  id: string;
  session_id: string;
  hypervisor_id: string;
  lease_sealed: string;
  /** That failed. */
  attempts: number;
  next_attempt_at: number;
}

/** Which port of a host a machine has for its console: see console-ports.ts. */
interface ConsolePortTable {
  hypervisor_id: string;
  host: string;
  port: number;
  /** By its address. */
  machine: string;
  password_sealed: string;
  /** Until then whoever found that nobody uses it takes it off the machine; null: it is used. */
  closing_until: number | null;
}
