import { randomUUID } from "node:crypto";
import type { Clock } from "#base/clock.ts";
import { Secret } from "#base/secret.ts";
import { HypervisorError } from "#hypervisors/hypervisor-error.ts";
import { GatewayError, printable } from "#wire/gateway-error.ts";
import type { Hypervisor, HypervisorCredentials, HypervisorTest } from "#wire/hypervisors.ts";
import type { Audit } from "../audit/audit.ts";
import { cleanName, nameKey } from "../names.ts";
import { requireAdministrator } from "../rights.ts";
import type { Hypervisors } from "../services.ts";
import type { Queries, Store } from "../store/store.ts";
import type { Place, Vault } from "../vault/vault.ts";
import { createPlatformDriver } from "./platform-driver.ts";

const limits = {
  /** All are in one answer, and each is a connection once it is used. */
  hypervisors: 1_000,
  /** For the whole way there, and the list of what it has. */
  testMs: 30_000,
} as const;

interface HypervisorRow {
  readonly id: string;
  readonly name: string;
  readonly platform: Hypervisor["platform"];
  readonly address: string;
  readonly credentials_sealed: string;
  readonly is_read_only: number;
  readonly created_at: number;
}

/** Platforms that can be asked for their machines, as administrators see and change them. */
export function createHypervisors({
  store,
  audit,
  vault,
  clock,
}: {
  readonly store: Store;
  readonly audit: Audit;
  readonly vault: Vault;
  readonly clock: Clock;
}): Hypervisors {
  return {
    async list(caller) {
      requireAdministrator(caller);
      const rows = await store.db.selectFrom("hypervisors").selectAll().orderBy("name_key").execute();
      return rows.map(toHypervisor);
    },

    async add(caller, { name, platform, address, credentials = {}, readOnly = false }) {
      requireAdministrator(caller);
      await requireUsable({ platform, address, readOnly }, credentials);
      const id = randomUUID();
      const clean = cleanName(name);
      const row = {
        ...{ id, name: clean, name_key: nameKey(clean), platform, address },
        credentials_sealed: vault.seal(new Secret(JSON.stringify(credentials)), placeOf(id)),
        is_read_only: readOnly ? 1 : 0,
        created_at: clock.now(),
      };
      return await store.db.transaction().execute(async (db) => {
        const { count } = await db
          .selectFrom("hypervisors")
          .select(({ fn }) => fn.countAll<number>().as("count"))
          .executeTakeFirstOrThrow();
        if (Number(count) >= limits.hypervisors)
          throw new GatewayError("limit_reached", { detail: `${limits.hypervisors} hypervisors` });
        await refuseDuplicate(store, clean, db.insertInto("hypervisors").values(row).execute());
        await audit.record(db, { action: "hypervisor.add", by: caller, ...told(row) });
        return toHypervisor(row);
      });
    },

    async test(caller, id) {
      requireAdministrator(caller);
      const row = await find(store.db, id);
      const kept = vault.open(row.credentials_sealed, placeOf(id)).expose();
      const credentials: HypervisorCredentials = JSON.parse(kept);
      await using driver = createPlatformDriver(toHypervisor(row), credentials);
      try {
        const machines = await driver.list(AbortSignal.timeout(limits.testMs));
        return { ok: true, machines: machines.length };
      } catch (error) {
        return toFailure(error);
      }
    },

    async remove(caller, id) {
      requireAdministrator(caller);
      await store.db.transaction().execute(async (db) => {
        const row = await find(db, id);
        await db.deleteFrom("hypervisors").where("id", "=", id).execute();
        await audit.record(db, { action: "hypervisor.remove", by: caller, ...told(row) });
      });
    },
  };
}

/** Whoever reads it is an administrator: what the other side said is what helps. */
function toFailure(error: unknown): HypervisorTest {
  if (!(error instanceof GatewayError)) throw error;
  const { cause } = error;
  const said = printable(cause instanceof Error ? cause.message : error.message);
  return { ok: false, failedStep: cause instanceof HypervisorError ? cause.step : "rights", detail: said };
}

async function requireUsable(
  hypervisor: Pick<Hypervisor, "platform" | "address" | "readOnly">,
  credentials: HypervisorCredentials,
): Promise<void> {
  try {
    await createPlatformDriver(hypervisor, credentials)[Symbol.asyncDispose]();
  } catch (cause) {
    const detail = `address: ${cause instanceof Error ? cause.message : String(cause)}`;
    throw new GatewayError("request_invalid", { cause, detail });
  }
}

async function find(db: Queries, id: string): Promise<HypervisorRow> {
  const row = await db.selectFrom("hypervisors").selectAll().where("id", "=", id).executeTakeFirst();
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

function placeOf(id: string): Place {
  return { table: "hypervisors", row: id, column: "credentials_sealed" };
}

function told({ id, name, platform, address }: Pick<HypervisorRow, "id" | "name" | "platform" | "address">) {
  return { object: { kind: "hypervisor", id, name }, detail: `${platform} ${address}` } as const;
}

function toHypervisor(row: HypervisorRow): Hypervisor {
  const { id, name, platform, address } = row;
  const readOnly = row.is_read_only === 1;
  return { id, name, platform, address, readOnly, createdAt: new Date(row.created_at).toISOString() };
}
