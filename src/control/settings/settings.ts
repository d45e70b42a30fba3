import type { Log } from "#base/process/log.ts";
import type { Setting } from "#wire/api.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { Audit } from "../audit/audit.ts";
import type { Cluster } from "../cluster/cluster.ts";
import { requireAdministrator } from "../rights.ts";
import type { Caller, Settings } from "../services.ts";
import type { Queries, Store } from "../store/store.ts";
import { createReread } from "./reread.ts";
import {
  isSettingName,
  SETTING_NAMES,
  SETTINGS,
  type SettingDefinition,
  type SettingName,
  type SettingValueOf,
} from "./table.ts";

/** The settings in force, for the rest of control. */
export interface SettingValues {
  value<Name extends SettingName>(name: Name): SettingValueOf<Name>;
}

/** For services that change a setting together with something of their own. */
export interface SettingChanges {
  /** Part of the transaction `db`, after which `settled` is awaited. The text must have been parsed. */
  write(
    db: Queries,
    change: { readonly by: Caller; readonly name: SettingName; readonly text: string },
  ): Promise<void>;
  /** Resolves once what was committed is in force here. */
  settled(): Promise<void>;
  /** What stands in the database, which this replica may not have heard of yet. */
  stored(db: Queries, name: SettingName): Promise<string>;
  /**
   * Asks `judge` in the transaction of whoever sets it. It throws a GatewayError where what it keeps does not allow the text, and
   * writes nothing: that would stay where another has set the setting meanwhile.
   */
  guard(name: SettingName, judge: Judge): void;
}

type Judge = (db: Queries, text: string) => Promise<void>;

/**
 * Keeps all settings in memory, as this replica or another last set them. Throws when the database holds a value that
 * this version does not take, rather than run with another than the operator set. One that comes later, from a newer
 * version beside this one, is left alone, and the one before it stays in force.
 */
export async function createSettings({
  store,
  audit,
  cluster,
  log,
}: {
  readonly store: Store;
  readonly audit: Audit;
  readonly cluster: Cluster;
  readonly log: Log;
}): Promise<{ settings: Settings; values: SettingValues; changes: SettingChanges }> {
  const inForce = new Map<SettingName, InForce>();
  for (const [name, text] of await load(store)) inForce.set(name, { text, value: parse(name, text) });

  const reread = createReread(async () => {
    for (const [name, text] of await load(store)) {
      if (inForce.get(name)?.text === text && inForce.has(name)) continue;
      try {
        inForce.set(name, { text, value: parse(name, text) });
      } catch (error) {
        log.error({ error, setting: name }, "A setting of another version stays as it was here");
      }
    }
  }, log);
  cluster.subscribe("settings", { heard: reread.soon, missed: reread.soon });
  // What was set between the first reading and the subscription.
  await reread.now();

  const values: SettingValues = {
    value: <Name extends SettingName>(name: Name) => inForce.get(name)?.value as SettingValueOf<Name>,
  };
  const judges = new Map<SettingName, Judge>();
  const changes: SettingChanges = {
    async write(db, { by, name, text }) {
      await writeSetting(db, name, text);
      const object = { kind: "setting", id: name, name } as const;
      await audit.record(db, { action: "setting.set", by, object, detail: text });
      await cluster.publish(db, "settings", name);
    },
    settled: reread.now,
    async stored(db, name) {
      const row = await db.selectFrom("settings").select("value").where("name", "=", name).executeTakeFirst();
      return row?.value ?? SETTINGS[name].fallback;
    },
    guard(name, judge) {
      judges.set(name, judge);
    },
  };
  const settings: Settings = {
    async list(caller) {
      requireAdministrator(caller);
      return SETTING_NAMES.map((name) => describe(name, inForce.get(name)?.text));
    },

    async set(caller, name, value, was) {
      requireAdministrator(caller);
      if (!isSettingName(name)) throw new GatewayError("not_found", { detail: `setting ${name}` });
      const text = value.trim();
      parseOrRefuse(name, text);
      const isSet = await store.db.transaction().execute(async (db) => {
        await store.lock(db, `setting ${name}`);
        await judges.get(name)?.(db, text);
        // Whoever says what he has read is told of whoever set it since, also while it was judged.
        if (was !== undefined && was !== (await changes.stored(db, name))) return false;
        await changes.write(db, { by: caller, name, text });
        return true;
      });
      // Whoever is told that it is set, or that another has set it, may count on it here at once.
      await changes.settled();
      if (!isSet) throw new GatewayError("conflict", { detail: `${name} is another by now` });
      return describe(name, text);
    },
  };
  return { settings, values, changes };
}

interface InForce {
  /** `undefined` where nobody has set it. */
  readonly text: string | undefined;
  readonly value: unknown;
}

/** For the bootstrap, which writes first values in its own transaction. The value must have been parsed. */
export async function writeSetting(db: Queries, name: SettingName, value: string): Promise<void> {
  await db
    .insertInto("settings")
    .values({ name, value })
    .onConflict((conflict) => conflict.column("name").doUpdateSet({ value }))
    .execute();
}

/** Every setting with its text, in the order of their names. */
async function load(store: Store): Promise<Map<SettingName, string | undefined>> {
  const rows = await store.db.selectFrom("settings").selectAll().execute();
  const texts = new Map<string, string>(rows.map(({ name, value }) => [name, value]));
  return new Map(SETTING_NAMES.map((name) => [name, texts.get(name)]));
}

function parse(name: SettingName, text: string | undefined): unknown {
  const definition: SettingDefinition<unknown> = SETTINGS[name];
  try {
    return definition.parse(text ?? definition.fallback);
  } catch (cause) {
    throw new Error(`the setting ${name} in the database is not valid`, { cause });
  }
}

function parseOrRefuse(name: SettingName, text: string): unknown {
  try {
    return SETTINGS[name].parse(text);
  } catch (cause) {
    const detail = `${name}: ${cause instanceof Error ? cause.message : String(cause)}`;
    throw new GatewayError("request_invalid", { cause, detail });
  }
}

function describe(name: SettingName, text: string | undefined): Setting {
  const { fallback, description, isList }: SettingDefinition<unknown> = SETTINGS[name];
  return { name, value: text ?? fallback, fallback, description, ...(isList === true ? { list: true } : {}) };
}
