import { GatewayError } from "#wire/gateway-error.ts";
import { RIGHT_HELD_MS } from "../keystone/held.ts";
import { MACHINE_COLUMNS } from "../machines/machine-row.ts";
import { maySeeProject } from "../rights.ts";
import { INTEGER, prepare, TEXT } from "../store/prepared.ts";
import type { Store } from "../store/store.ts";

/** Who opened which machine's console, as the session's row remembers it. */
interface Opened {
  readonly account_id: string;
  readonly machine_id: string;
  readonly project_id: string;
  readonly view_only: 0 | 1;
}

/**
 * Judges anew, in one statement, whether a session's account may still open its machine, by what it is here or by what Keystone said
 * of it, and resolves to both as they are now. Who may only look by now has no console to work at any more. Throws `access_withdrawn` or `machine_gone`.
 */
export function createStanding(store: Store) {
  const kinds = { accountId: TEXT, machineId: TEXT, projectId: TEXT, viewOnly: INTEGER };
  const find = prepare(store, kinds, (db, slots) =>
    db
      .selectFrom("accounts")
      .leftJoin("memberships", (join) =>
        join
          .onRef("memberships.account_id", "=", "accounts.id")
          .on("memberships.project_id", "=", slots.projectId),
      )
      .leftJoin("keystone_rights", (join) =>
        join
          .onRef("keystone_rights.account_id", "=", "accounts.id")
          .on((on) => on("keystone_rights.seen_at", ">", on(store.now, "-", RIGHT_HELD_MS)))
          .on((on) =>
            on.or([
              on("keystone_rights.right", "=", "admin"),
              on.and([
                on("keystone_rights.project_id", "=", slots.projectId),
                on.or([
                  on("keystone_rights.right", "=", "member"),
                  on.and([on("keystone_rights.right", "=", "viewer"), on(slots.viewOnly, "=", 1)]),
                ]),
              ]),
            ]),
          ),
      )
      .leftJoin("machines", (join) =>
        join.on("machines.id", "=", slots.machineId).on("machines.project_id", "=", slots.projectId),
      )
      .leftJoin("hypervisors", "hypervisors.id", "machines.hypervisor_id")
      .where("accounts.id", "=", slots.accountId)
      .where("accounts.disabled", "=", 0)
      .select(MACHINE_COLUMNS)
      .select("hypervisors.is_read_only as hypervisor_read_only")
      .select(["accounts.id as account_id", "accounts.name as account_name", "accounts.role as role"])
      .select([
        "memberships.project_id as member_of",
        "keystone_rights.keystone_project as keystone_project",
      ]),
  );

  return async ({ account_id, machine_id, project_id, view_only }: Opened) => {
    const [row] = await find(store.db, {
      accountId: account_id,
      machineId: machine_id,
      projectId: project_id,
      viewOnly: view_only,
    });
    const projectIds = row?.member_of == null ? [] : [row.member_of];
    if (row === undefined) throw new GatewayError("access_withdrawn");
    const { keystone_project: keystoneProject, ...found } = row;
    if (keystoneProject === null && !maySeeProject({ role: row.role, projectIds }, project_id))
      throw new GatewayError("access_withdrawn");
    const { account_id: id, account_name: name, role: _role, member_of: _memberOf, ...machine } = found;
    if (!isThere(machine)) throw new GatewayError("machine_gone");
    return { account: { id, name }, machine };
  };
}

export type JudgeStanding = ReturnType<typeof createStanding>;

/** An outer join's row is whole or empty. */
function isThere<Row extends { readonly id: unknown }>(row: Row): row is Whole<Row> {
  return row.id !== null;
}

type Nullable =
  | "password_sealed"
  | "serial_address"
  | "username"
  | "tls"
  | "client_key_sealed"
  | "hypervisor_id"
  | "hypervisor_read_only";
type Whole<Row> = { [Column in keyof Row]: Column extends Nullable ? Row[Column] : NonNullable<Row[Column]> };
