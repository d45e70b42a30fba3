import assert from "node:assert/strict";
import { test } from "node:test";
import { timedPool } from "../../../../test/harness/capacity.ts";
import { testControl } from "../../../../test/harness/control.ts";
import { onBoth } from "../../../../test/harness/test-database.ts";
import { createHistoryReading } from "./launch-history.ts";
import { tendLimits } from "./tend.ts";

const BOOT_MS = 1000;
const POOL = "default";
const HOUR_MS = 60 * 60_000;

for (const each of onBoth(
  "nodes that are lost at once are replaced at once: their launches went well",
  async () => {
    await using control = await testControl();
    const { platform, leader, pass, set } = await timedPool(control, BOOT_MS);
    await set("capacity.standby", "200");
    await set("launch.max", "4");
    await leader.scan();
    await pass(BOOT_MS);
    await pass(HOUR_MS);
    assert.equal(platform.launched, 4);

    // Their host is no more.
    platform.instances.clear();
    control.clock.advance(181_000);
    for (let scan = 0; scan <= tendLimits.unlisted; scan++) await leader.scan();

    assert.equal(platform.launched, 8);
  },
))
  test(...each);

for (const each of onBoth(
  "what is launched at once and fails is one failure, and a node that joins ends them",
  async () => {
    await using control = await testControl();
    const { platform, leader, pass, set } = await timedPool(control, BOOT_MS);
    const read = createHistoryReading(control.store);
    const failures = async () => (await read(control.clock.now())).get(POOL)?.failures;
    await set("capacity.standby", "150");
    platform.failure = "no more disks";

    await leader.scan();
    assert.equal((await read(control.clock.now())).get(POOL)?.launchedLately, 3);
    assert.equal(await failures(), 1);
    control.clock.advance(HOUR_MS);
    await leader.scan();
    assert.equal(await failures(), 2);
    platform.failure = undefined;
    control.clock.advance(HOUR_MS);
    await leader.scan();
    await pass(BOOT_MS);

    assert.equal(await failures(), 0);
    // Whatever becomes of that one.
    await control.store.db
      .updateTable("launches")
      .set({ state: "gone", failure: "its instance went away", failed_at: control.clock.now() + 1 })
      .where("joined_at", "is not", null)
      .execute();
    assert.equal(await failures(), 0);
  },
))
  test(...each);
