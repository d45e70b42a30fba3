import { randomUUID } from "node:crypto";
import type { Clock } from "#base/clock.ts";
import type { CommandPlace } from "#hypervisors/command/place.ts";
import { listHeard } from "#hypervisors/heard.ts";
import { HypervisorError } from "#hypervisors/hypervisor-error.ts";
import { DEFAULT_POOL } from "#wire/api.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { Hypervisor, HypervisorRule, HypervisorTest } from "#wire/hypervisors.ts";
import { parseUpstreamAllow } from "#wire/upstream-allow.ts";
import type { Audit } from "../audit/audit.ts";
import type { Cluster } from "../cluster/cluster.ts";
import { tlsOnRecord } from "../machines/machine-tls.ts";
import { requireAdministrator } from "../rights.ts";
import type { Caller } from "../services.ts";
import type { CloseSessions } from "../sessions/closing.ts";
import type { SettingValues } from "../settings/settings.ts";
import type { Queries, Store } from "../store/store.ts";
import type { Vault } from "../vault/vault.ts";
import {
  changedColumns,
  changeInWords,
  choicesInWords,
  NOT_TRIED,
  nameColumns,
  requireUsable,
  sealCredentials,
  withSessionKey,
} from "./changing.ts";
import { forgetConsolePorts } from "./console-ports.ts";
import {
  consoleColumns,
  findHypervisor,
  type HypervisorRow,
  openCredentials,
  toPlatform,
} from "./hypervisor-row.ts";
import { refuseAnother } from "./identity.ts";
import { hypervisorLock, MOVING } from "./inventory.ts";
import { createPlatformDriver } from "./platform-driver.ts";
import { writeRules } from "./rules.ts";
import type { Hypervisors } from "./service.ts";
import { failureOf, markFirstDown, problemOf } from "./standing.ts";
import { streamsOutside } from "./streams-allowed.ts";

const limits = {
  /** All are in one answer, and each is a connection once it is used. */
  hypervisors: 1_000,
  /** For the whole way there, and the list of what it has. */
  testMs: 30_000,
} as const;

interface Parts {
  readonly store: Store;
  readonly cluster: Cluster;
  readonly audit: Audit;
  readonly closeSessions: CloseSessions;
  readonly vault: Vault;
  readonly clock: Clock;
  readonly commands: CommandPlace;
  readonly values: SettingValues;
}

/** Platforms that can be asked for their machines, as administrators see and change them. */
export function createHypervisors(parts: Parts): Hypervisors {
  const { store, cluster, audit, vault, clock, commands, values } = parts;

  return {
    async list(caller) {
      requireAdministrator(caller);
      const rows = await store.db.selectFrom("hypervisors").selectAll().orderBy("name_key").execute();
      return await toHypervisors(store.db, rows);
    },

    async add(caller, { name, platform, address, credentials = {}, readOnly = false, ...rest }) {
      requireAdministrator(caller);
      const { rules = [], consoleTls = null, consoles, pool = DEFAULT_POOL } = rest;
      const { sessionPasswords = false, serialStreams = false } = rest;
      const way = { platform, address, readOnly, sessionPasswords, serialStreams, consoles };
      const kept = withSessionKey(credentials, way);
      await requireUsable(way, kept, commands);
      const id = randomUUID();
      const row = {
        ...{ id, ...nameColumns(name), platform, address, identity: null },
        credentials_sealed: sealCredentials(kept, { id, vault }),
        is_read_only: readOnly ? 1 : 0,
        has_session_passwords: sessionPasswords ? (1 as const) : (0 as const),
        has_serial_streams: serialStreams ? (1 as const) : (0 as const),
        consoles: consoles ?? null,
        pool,
        created_at: clock.now(),
        ...consoleColumns(consoleTls, { id, platform, vault }),
        ...NOT_TRIED,
      };
      return await store.db.transaction().execute(async (db) => {
        const { count } = await db
          .selectFrom("hypervisors")
          .select(({ fn }) => fn.countAll<number>().as("count"))
          .executeTakeFirstOrThrow();
        if (Number(count) >= limits.hypervisors)
          throw new GatewayError("limit_reached", { detail: `${limits.hypervisors} hypervisors` });
        await refuseDuplicate(store, row.name, db.insertInto("hypervisors").values(row).execute());
        const written = await writeRules(db, id, rules);
        await cluster.publish(db, "hypervisors", id);
        const { object, detail } = told(row);
        const entry = { action: "hypervisor.add", by: caller, object } as const;
        const choices = choicesInWords({ readOnly, ...rest });
        await audit.record(db, { ...entry, detail: [detail, ...inWords(written), ...choices].join(" ") });
        return await toHypervisor(db, row);
      });
    },

    async update(caller, id, { rules, ...change }) {
      requireAdministrator(caller);
      return await store.db.transaction().execute(async (db) => {
        await store.lock(db, hypervisorLock(id));
        // Else one that comes from another hypervisor at this moment would have the pool that this one had.
        if (change.pool !== undefined) await store.lock(db, MOVING);
        const row = await find(db, id);
        const columns = await changedColumns(change, row, parts);
        const after = { ...row, ...columns };
        if (Object.keys(columns).length > 0) {
          const update = db.updateTable("hypervisors").set(columns).where("id", "=", id).execute();
          await refuseDuplicate(store, after.name, update);
          if (after.pool !== row.pool) await bringMachines(db, { id, from: row.pool, to: after.pool });
        }
        const written = rules === undefined ? undefined : await writeRules(db, id, rules);
        const detail = [
          ...(written === undefined ? [] : ["rules", ...inWords(written)]),
          ...changeInWords(change),
        ].join(" ");
        if (detail !== "") {
          await audit.record(db, { action: "hypervisor.update", by: caller, ...told(after), detail });
          await cluster.publish(db, "hypervisors", id);
        }
        return await toHypervisor(db, after);
      });
    },

    async test(caller, id) {
      requireAdministrator(caller);
      const row = await find(store.db, id);
      await using driver = createPlatformDriver(toPlatform(row), openCredentials(row, vault), { commands });
      const signal = AbortSignal.timeout(limits.testMs);
      try {
        const { machines, silent } = await listHeard(driver, signal);
        const identity = await driver.identity(signal);
        await refuseAnother(store.db, { hypervisorId: id, identity, known: machines });
        const allow = parseUpstreamAllow(values.value("upstream.allow"));
        const outside = await streamsOutside(row, allow, { signal });
        return {
          ok: true,
          machines: machines.length,
          ...(outside === undefined ? {} : { outside }),
          ...(silent.length === 0 ? {} : { silent: [...silent] }),
        };
      } catch (error) {
        const failure = toFailure(error);
        // Who follows it has not come so far yet, and whoever asks how it is would hear that nobody has tried.
        await markFirstDown(store, row, problemOf(error));
        return failure;
      }
    },

    async remove(caller, id) {
      requireAdministrator(caller);
      await store.db.transaction().execute(async (db) => {
        await store.lock(db, hypervisorLock(id));
        const row = await find(db, id);
        await forgetMachines(parts, db, { caller, hypervisor: row });
        await forgetConsolePorts(db, id);
        await db.deleteFrom("hypervisors").where("id", "=", id).execute();
        await cluster.publish(db, "hypervisors", id);
        await audit.record(db, { action: "hypervisor.remove", by: caller, ...told(row) });
      });
    },
  };
}

/** Those that were given no pool of their own, also where they may come back from. Consoles that are open stay where they are. */
async function bringMachines(
  db: Queries,
  { id, from, to }: { readonly id: string; readonly from: string; readonly to: string },
): Promise<void> {
  for (const table of ["machines", "departed_machines"] as const)
    await db
      .updateTable(table)
      .set({ pool: to })
      .where("hypervisor_id", "=", id)
      .where("pool", "=", from)
      .execute();
}

/** Those that have a project; those that wait for one go with the hypervisor's row. */
async function forgetMachines(
  { closeSessions, audit }: Parts,
  db: Queries,
  { caller, hypervisor }: { readonly caller: Caller; readonly hypervisor: HypervisorRow },
): Promise<void> {
  const machines = db.selectFrom("machines").select("id").where("hypervisor_id", "=", hypervisor.id);
  await closeSessions(db, (session) => session("machine_id", "in", machines), { code: "machine_gone" });
  const gone = await db
    .deleteFrom("machines")
    .where("hypervisor_id", "=", hypervisor.id)
    .returning(["id", "name"])
    .execute();
  const detail = `with its hypervisor ${hypervisor.name}`;
  await audit.recordAll(
    db,
    gone.map((machine) => ({
      ...{ action: "machine.remove", by: caller, detail },
      object: { kind: "machine", ...machine },
    })),
  );
}

function toFailure(error: unknown): HypervisorTest {
  if (!(error instanceof GatewayError || error instanceof HypervisorError)) throw error;
  const { step, said } = failureOf(error);
  return { ok: false, failedStep: step, detail: said };
}

function inWords(rules: readonly HypervisorRule[]): readonly string[] {
  return rules.map(({ name, project }) => `${name}=${project}`);
}

async function find(db: Queries, id: string): Promise<HypervisorRow> {
  const row = await findHypervisor(db, id);
  if (row === undefined) throw new GatewayError("not_found", { detail: "hypervisor" });
  return row;
}

async function refuseDuplicate(store: Store, name: string, write: Promise<unknown>): Promise<void> {
  try {
    await write;
  } catch (cause) {
    if (store.isDuplicate(cause)) throw new GatewayError("conflict", { cause, detail: `hypervisor ${name}` });
    throw cause;
  }
}

function told({ id, name, platform, address }: Pick<HypervisorRow, "id" | "name" | "platform" | "address">) {
  return { object: { kind: "hypervisor", id, name }, detail: `${platform} ${address}` } as const;
}

async function toHypervisor(db: Queries, row: HypervisorRow): Promise<Hypervisor> {
  const [hypervisor] = await toHypervisors(db, [row]);
  if (hypervisor === undefined) throw new Error("one row is one hypervisor");
  return hypervisor;
}

/** In three statements, however many they are. */
async function toHypervisors(db: Queries, rows: readonly HypervisorRow[]): Promise<readonly Hypervisor[]> {
  const rules = await db
    .selectFrom("hypervisor_rules")
    .innerJoin("projects", "projects.id", "hypervisor_rules.project_id")
    .select(["hypervisor_rules.hypervisor_id as id", "pattern", "projects.name as project"])
    .orderBy("position")
    .execute();
  const rulesById = Map.groupBy(rules, ({ id }) => id);
  const [machines, waiting] = [await counted(db, "machines"), await counted(db, "waiting_machines")];
  return rows.map((row) => ({
    ...{ id: row.id, name: row.name, ...toPlatform(row) },
    pool: row.pool,
    rules: (rulesById.get(row.id) ?? []).map(({ pattern, project }) => ({ name: pattern, project })),
    ...(row.console_tls === null ? {} : { consoleTls: tlsOnRecord(row.console_tls) }),
    ...(row.state === null ? {} : { state: row.state }),
    ...(row.state_since === null ? {} : { stateSince: new Date(row.state_since).toISOString() }),
    ...(row.problem === null ? {} : { problem: row.problem }),
    machines: machines.get(row.id) ?? 0,
    waiting: waiting.get(row.id) ?? 0,
    createdAt: new Date(row.created_at).toISOString(),
  }));
}

async function counted(
  db: Queries,
  table: "machines" | "waiting_machines",
): Promise<ReadonlyMap<string | null, number>> {
  const rows = await db
    .selectFrom(table)
    .select(["hypervisor_id", ({ fn }) => fn.countAll<number>().as("count")])
    .where("hypervisor_id", "is not", null)
    .groupBy("hypervisor_id")
    .execute();
  return new Map(rows.map(({ hypervisor_id: id, count }) => [id, Number(count)]));
}
