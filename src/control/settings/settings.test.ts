import assert from "node:assert/strict";
import { test } from "node:test";
import { pino } from "pino";
import type { Log } from "#base/process/log.ts";
import { scratch } from "../../../test/harness/scratch.ts";
import { testClock } from "../../../test/harness/test-clock.ts";
import { onBoth, openTestDatabase } from "../../../test/harness/test-database.ts";
import { Audit } from "../audit/audit.ts";
import type { Cluster } from "../cluster/cluster.ts";
import type { Caller } from "../services.ts";
import type { Store } from "../store/store.ts";
import { settingsDocument } from "./document.ts";
import { createSettings } from "./settings.ts";
import { SETTING_NAMES, SETTINGS } from "./table.ts";

const admin: Caller = { accountId: "a", name: "a", role: "admin", projectIds: [], address: "::1" };
const member: Caller = { ...admin, role: "member" };

for (const t of onBoth("every setting has its fallback until an operator sets it", async () => {
  await withParts(async (parts) => {
    const { settings, values } = await createSettings(parts);

    const list = await settings.list(admin);

    assert.deepEqual(
      list.map(({ name }) => name),
      SETTING_NAMES,
    );
    for (const { name, value, fallback } of list) assert.equal(value, fallback, name);
    assert.equal(values.value("console.ticket.lifetime.native"), 60_000);
    assert.equal(values.value("consoleproxy.loadscan.interval"), 5000);
    assert.deepEqual(values.value("console.allowed.origins"), []);
    assert.equal(values.value("upstream.allow"), "");
  });
}))
  test(...t);

for (const t of onBoth("a setting is in force at once, and after a restart", async () => {
  await withParts(async (parts) => {
    const { settings, values } = await createSettings(parts);

    const set = await settings.set(
      admin,
      "console.allowed.origins",
      " https://a.example:443, http://b.example ",
    );

    assert.equal(set.value, "https://a.example:443, http://b.example");
    assert.deepEqual(values.value("console.allowed.origins"), ["https://a.example", "http://b.example"]);
    const restarted = await createSettings(parts);
    assert.deepEqual(restarted.values.value("console.allowed.origins"), [
      "https://a.example",
      "http://b.example",
    ]);
  });
}))
  test(...t);

for (const t of onBoth(
  "a setting that is another than was read is not set, and of two at once one is told",
  async () => {
    await withParts(async (parts) => {
      const { settings } = await createSettings(parts);
      const set = async (value: string, was?: string) =>
        await settings.set(admin, "upstream.allow", value, was);
      await set("::1", "");

      const raced = await Promise.allSettled([set("::1, ::2", "::1"), set("::1, ::3", "::1")]);
      await assert.rejects(set("::4", "::1"), { code: "conflict", detail: /upstream\.allow/ });

      assert.deepEqual(raced.map(({ status }) => status).sort(), ["fulfilled", "rejected"]);
    });
  },
))
  test(...t);

for (const t of onBoth(
  "who has read a setting that is set while the next value is judged is told, too",
  async () => {
    await withParts(async (parts) => {
      const { settings, changes } = await createSettings(parts);
      const name = "console.allowed.origins";
      // As the upload of a certificate sets its domain, for which whoever judges that one waits.
      changes.guard(
        name,
        async (db) => await changes.write(db, { by: admin, name, text: "https://b.example" }),
      );

      await assert.rejects(settings.set(admin, name, "https://a.example", ""), { code: "conflict" });

      assert.equal(await changes.stored(parts.store.db, name), "https://b.example");
    });
  },
))
  test(...t);

for (const t of onBoth(
  "who is told by a replica that has not heard of it that a setting is another reads there what it is",
  async () => {
    await withParts(async (parts) => {
      const { cluster } = parts;
      const deaf: Cluster = {
        publish: async (...told) => await cluster.publish(...told),
        subscribe: () => ({ stop() {} }),
        lead: (...task) => cluster.lead(...task),
        close: async () => {},
      };
      const { settings: here } = await createSettings({ ...parts, cluster: deaf });
      const { settings: elsewhere } = await createSettings(parts);
      const read = async () =>
        (await here.list(admin)).find(({ name }) => name === "upstream.allow")?.value ?? "";
      await elsewhere.set(admin, "upstream.allow", "::1");

      await assert.rejects(here.set(admin, "upstream.allow", "::2", await read()), { code: "conflict" });
      await here.set(admin, "upstream.allow", "::1, ::2", await read());

      assert.equal(await read(), "::1, ::2");
    });
  },
))
  test(...t);

const REFUSED: readonly [name: string, value: string, why: RegExp][] = [
  ["upstream.allow", "everything", /everything/],
  ["console.allowed.origins", "https://a.example/path", /origin/],
  ["console.allowed.origins", "*", /origin/],
  ["console.offline.policy", "accept always", /must be refuse or accept/],
  ["console.ticket.lifetime.native", "999", /from 1000 to 3600000/],
  ["console.ticket.lifetime.native", "3600001", /from 1000 to 3600000/],
  ["console.ticket.lifetime.native", "60s", /whole number of milliseconds/],
  ["console.ticket.lifetime.native", "6e4", /whole number/],
  ["console.ticket.lifetime.native", "", /whole number/],
  ["console.ticket.pending.max", "0", /from 1/],
  ["novnc.console.sourceip.check.enabled", "maybe", /true or false/],
];

for (const [name, value, why] of REFUSED) {
  test(`${name} does not take “${value}”, and says why`, async () => {
    await withParts(async (parts) => {
      const { settings } = await createSettings(parts);

      await assert.rejects(settings.set(admin, name, value), { code: "request_invalid", detail: why });

      assert.deepEqual(await parts.store.db.selectFrom("settings").selectAll().execute(), []);
    });
  });
}

for (const t of onBoth(
  "a setting that does not exist is not found, nor is what every object has",
  async () => {
    await withParts(async (parts) => {
      const { settings } = await createSettings(parts);

      for (const name of ["no.such.setting", "toString", "__proto__"])
        await assert.rejects(settings.set(admin, name, "1"), { code: "not_found" });
    });
  },
))
  test(...t);

for (const t of onBoth("members neither see nor change settings", async () => {
  await withParts(async (parts) => {
    const { settings } = await createSettings(parts);

    await assert.rejects(settings.list(member), { code: "forbidden" });
    await assert.rejects(settings.set(member, "upstream.allow", "::/0"), { code: "forbidden" });
  });
}))
  test(...t);

for (const t of onBoth(
  "a value in the database that this version does not take stops the start",
  async () => {
    await withParts(async (parts) => {
      await parts.store.db
        .insertInto("settings")
        .values({ name: "console.reopen.timeout", value: "soon" })
        .execute();

      await assert.rejects(createSettings(parts), /console.reopen.timeout in the database is not valid/);
    });
  },
))
  test(...t);

test("the document tells every setting, its default and its meaning", () => {
  const document = settingsDocument();

  for (const name of SETTING_NAMES) {
    assert.ok(document.includes(`| \`${name}\` |`), name);
    assert.ok(document.includes(SETTINGS[name].description), name);
  }
});

interface Parts {
  readonly store: Store;
  readonly audit: Audit;
  readonly cluster: Cluster;
  readonly log: Log;
}

async function withParts(work: (parts: Parts) => Promise<void>): Promise<void> {
  await using folder = scratch();
  const log = pino({ level: "silent" });
  const clock = testClock();
  await using opened = await openTestDatabase({ folder: folder.path, clock, log });
  await work({ ...opened, log, audit: new Audit({ store: opened.store, clock, log }) });
}
