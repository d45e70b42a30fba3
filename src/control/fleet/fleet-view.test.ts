import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { testControl } from "../../../test/harness/control.ts";
import type { Store } from "../store/store.ts";
import { FleetView } from "./fleet-view.ts";

test("who asks before somebody has begun to look shares the look", async () => {
  await using control = await testControl();
  await control.node();
  const looks = new Looks(control.store);
  const view = new FleetView(looks.store, control.values);

  const first = view.pool("default");
  await looks.begun(1);
  // The one that runs may have missed what these know of.
  const later = [view.reread(), view.reread()];
  looks.end();
  await first;
  await looks.begun(2);
  looks.end();
  await Promise.all(later);

  assert.equal(looks.count, 2);
  assert.equal((await view.pool("default")).length, 1);
});

test("a crowd that comes one by one shares it as well, as a rest comes before it", async () => {
  await using control = await testControl();
  const looks = new Looks(control.store);
  const rests: { readonly ms: number; readonly end: () => void }[] = [];
  let now = 0;
  const view = new FleetView(looks.store, control.values, {
    elapsed: () => now,
    wait: async (ms) => await new Promise((end) => rests.push({ ms, end })),
  });
  const first = view.reread();
  await looks.begun(1);
  now += 100;
  looks.end();
  await first;

  const crowd = [];
  for (let asked = 0; asked < 20; asked += 1) {
    crowd.push(view.reread());
    await setImmediate();
  }
  assert.deepEqual([looks.count, rests.map(({ ms }) => ms)], [1, [300]]);
  rests[0]?.end();
  await looks.begun(2);
  looks.end();
  await Promise.all(crowd);

  assert.equal(looks.count, 2);
});

/** A database that is read when the test says so. */
class Looks {
  readonly store: Store;
  count = 0;
  #end = () => {};
  #begun = Promise.withResolvers<void>();

  constructor(store: Store) {
    this.store = {
      ...store,
      run: async (db, query) => {
        const end = Promise.withResolvers<void>();
        this.count += 1;
        this.#end = end.resolve;
        this.#begun.resolve();
        await end.promise;
        return await store.run(db, query);
      },
    };
  }

  /** Resolves when so many have begun. */
  async begun(count: number): Promise<void> {
    while (this.count < count) {
      this.#begun = Promise.withResolvers<void>();
      await this.#begun.promise;
    }
  }

  end(): void {
    this.#end();
  }
}
