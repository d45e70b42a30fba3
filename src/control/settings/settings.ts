import type { Setting } from "#wire/api.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import type { Audit } from "../audit/audit.ts";
import { requireAdministrator } from "../rights.ts";
import type { Settings } from "../services.ts";
import type { Queries, Store } from "../store/store.ts";
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

/**
 * Reads all settings once and keeps them: one process writes an embedded database. Throws when the database holds
 * a value that this version does not take, rather than run with another than the operator set.
 */
export async function createSettings(
  store: Store,
  audit: Audit,
): Promise<{ settings: Settings; values: SettingValues }> {
  const texts = await load(store);
  const parsed = new Map(SETTING_NAMES.map((name) => [name, parse(name, texts.get(name))]));

  const values: SettingValues = {
    value: <Name extends SettingName>(name: Name) => parsed.get(name) as SettingValueOf<Name>,
  };
  const settings: Settings = {
    async list(caller) {
      requireAdministrator(caller);
      return SETTING_NAMES.map((name) => describe(name, texts.get(name)));
    },

    async set(caller, name, value) {
      requireAdministrator(caller);
      if (!isSettingName(name)) throw new GatewayError("not_found", { detail: `setting ${name}` });
      const text = value.trim();
      const next = parseOrRefuse(name, text);
      await store.db.transaction().execute(async (db) => {
        await writeSetting(db, name, text);
        const object = { kind: "setting", id: name, name } as const;
        await audit.record(db, { action: "setting.set", by: caller, object, detail: text });
      });
      texts.set(name, text);
      parsed.set(name, next);
      return describe(name, text);
    },
  };
  return { settings, values };
}

/** For the bootstrap, which writes first values in its own transaction. The value must have been parsed. */
export async function writeSetting(db: Queries, name: SettingName, value: string): Promise<void> {
  await db
    .insertInto("settings")
    .values({ name, value })
    .onConflict((conflict) => conflict.column("name").doUpdateSet({ value }))
    .execute();
}

async function load(store: Store): Promise<Map<SettingName, string>> {
  const rows = await store.db.selectFrom("settings").selectAll().execute();
  const texts = new Map<SettingName, string>();
  for (const { name, value } of rows) if (isSettingName(name)) texts.set(name, value);
  return texts;
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
  const { fallback, description } = SETTINGS[name];
  return { name, value: text ?? fallback, fallback, description };
}
