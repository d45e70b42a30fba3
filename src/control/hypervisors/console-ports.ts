import type { ConsolePort, ConsolePorts } from "#hypervisors/console-ports.ts";
import { isLive } from "../sessions/conditions.ts";
import type { Queries, Store } from "../store/store.ts";
import type { Place, Vault } from "../vault/vault.ts";

const limits = {
  /** To take a port off a machine: longer than anybody waits for that. Whoever died meanwhile keeps nobody from it for longer. */
  closingMs: 20_000,
} as const;

interface Parts {
  readonly store: Store;
  readonly vault: Vault;
}

/**
 * INVARIANT: of one host no port is given to two machines, and none is taken off a machine that a live session was lent it for. All that
 * decides that is read and written under one lock, and leases are written down before a port is asked for: so whoever has the lock second
 * sees what the first has done.
 */
export function createConsolePorts({ store, vault }: Parts, hypervisorId: string): ConsolePorts {
  const ours = async <Result>(work: (db: Queries) => Promise<Result>) =>
    await store.db.transaction().execute(async (db) => {
      await store.lock(db, `console ports of ${hypervisorId}`);
      return await work(db);
    });

  /** Unless it is just being taken off it. */
  async function held(db: Queries, machine: string): Promise<ConsolePort | undefined> {
    const row = await db
      .selectFrom("console_ports")
      .select(["host", "port", "password_sealed"])
      .where("hypervisor_id", "=", hypervisorId)
      .where("machine", "=", machine)
      .where("closing_until", "is", null)
      .executeTakeFirst();
    if (row === undefined) return undefined;
    const password = vault.open(row.password_sealed, passwordPlace(hypervisorId, machine));
    return { host: row.host, port: row.port, password };
  }

  /** Whether somebody is at taking it off the machine; undefined where it has none. */
  async function isHeld(db: Queries, machine: string): Promise<{ readonly isClosing: boolean } | undefined> {
    const row = await db
      .selectFrom("console_ports")
      .select((each) => each("closing_until", ">", store.now).as("closing"))
      .where("hypervisor_id", "=", hypervisorId)
      .where("machine", "=", machine)
      .executeTakeFirst();
    return row === undefined ? undefined : { isClosing: Boolean(row.closing) };
  }

  return {
    of: async (machine) => await held(store.db, machine),

    take: async ({ machine, host, ports, password }) =>
      await ours(async (db) => {
        const before = await held(db, machine);
        if (before?.host === host) return before;
        if ((await isHeld(db, machine))?.isClosing === true) return "closing";
        await forget(db, hypervisorId, machine);
        const port = await firstFree(db, { hypervisorId, host, ports });
        if (port === undefined) return "full";
        await db
          .insertInto("console_ports")
          .values({
            ...{ hypervisor_id: hypervisorId, host, port, machine, closing_until: null },
            password_sealed: vault.seal(password, passwordPlace(hypervisorId, machine)),
          })
          .execute();
        return { host, port, password };
      }),

    leave: async (machine) =>
      await ours(async (db) => {
        const has = await isHeld(db, machine);
        if (has === undefined || (await isUsed(db, hypervisorId, machine))) return "kept";
        if (has.isClosing) return "busy";
        await db
          .updateTable("console_ports")
          .set((row) => ({ closing_until: row(store.now, "+", row.val<number>(limits.closingMs)) }))
          .where("hypervisor_id", "=", hypervisorId)
          .where("machine", "=", machine)
          .execute();
        return "closing";
      }),

    free: async (machine) =>
      await ours(async (db) => {
        await db
          .deleteFrom("console_ports")
          .where("hypervisor_id", "=", hypervisorId)
          .where("machine", "=", machine)
          .where("closing_until", "is not", null)
          .execute();
      }),
  };
}

/** What a hypervisor that is forgotten gave to its machines. */
export async function forgetConsolePorts(db: Queries, hypervisorId: string): Promise<void> {
  await db.deleteFrom("console_ports").where("hypervisor_id", "=", hypervisorId).execute();
}

async function forget(db: Queries, hypervisorId: string, machine: string): Promise<void> {
  await db
    .deleteFrom("console_ports")
    .where("hypervisor_id", "=", hypervisorId)
    .where("machine", "=", machine)
    .execute();
}

async function firstFree(
  db: Queries,
  {
    hypervisorId,
    host,
    ports,
  }: { readonly hypervisorId: string; readonly host: string; readonly ports: readonly number[] },
): Promise<number | undefined> {
  const rows = await db
    .selectFrom("console_ports")
    .select("port")
    .where("hypervisor_id", "=", hypervisorId)
    .where("host", "=", host)
    .execute();
  const given = new Set(rows.map(({ port }) => port));
  return ports.find((port) => !given.has(port));
}

/** Whether a session that is not over was lent the machine's console. */
async function isUsed(db: Queries, hypervisorId: string, machine: string): Promise<boolean> {
  const row = await db
    .selectFrom("console_leases")
    .innerJoin("sessions", "sessions.id", "console_leases.session_id")
    .innerJoin("machines", "machines.id", "sessions.machine_id")
    .select("console_leases.id")
    .where("console_leases.hypervisor_id", "=", hypervisorId)
    .where("machines.address", "=", machine)
    .where(isLive)
    .limit(1)
    .executeTakeFirst();
  return row !== undefined;
}

function passwordPlace(hypervisorId: string, machine: string): Place {
  return { table: "console_ports", row: `${hypervisorId} ${machine}`, column: "password_sealed" };
}
