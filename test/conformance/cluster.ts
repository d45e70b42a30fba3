import assert from "node:assert/strict";
import { test } from "node:test";
import { type Cluster, limits } from "#control/cluster/cluster.ts";
import type { Store } from "#control/store/store.ts";
import { eventually } from "../harness/eventually.ts";

interface ClusterUnderTest extends AsyncDisposable {
  readonly store: Store;
  readonly cluster: Cluster;
}

/** What control takes for granted of the cluster, whether that is one replica or many. `open` joins one of its own. */
export function clusterConformance(
  form: string,
  open: () => Promise<ClusterUnderTest>,
  skip: string | false = false,
): void {
  const check = (title: string, body: (under: ClusterUnderTest) => Promise<void>) =>
    test(`${form}: ${title}`, { skip }, async () => {
      await using under = await open();
      await body(under);
    });

  check(
    "what is published is heard by all who subscribed to its topic, and by nobody else",
    async (under) => {
      const { store, cluster } = under;
      const [one, two, other] = [
        await listen(under, "node"),
        await listen(under, "node"),
        await listen(under, "settings"),
      ];

      await cluster.publish(store.db, "node", "Ä ☃ ' \" \\");
      await cluster.publish(store.db, "settings", "end");

      await eventually(() => assert.deepEqual(other.texts, ["end"]));
      await eventually(() => assert.deepEqual([one.texts, two.texts], [["Ä ☃ ' \" \\"], ["Ä ☃ ' \" \\"]]));
    },
  );

  check("in a transaction, what is published is heard after the commit, in its order", async (under) => {
    const { store, cluster } = under;
    const listener = await listen(under, "node");

    const before = await store.db.transaction().execute(async (db) => {
      await cluster.publish(db, "node", "first");
      await cluster.publish(db, "node", "second");
      await db.insertInto("settings").values({ name: "n", value: "1" }).execute();
      return [...listener.texts];
    });

    assert.deepEqual(before, []);
    await eventually(() => assert.deepEqual(listener.texts, ["first", "second"]));
  });

  check("what is published in a transaction that is undone is never heard", async (under) => {
    const { store, cluster } = under;
    const listener = await listen(under, "node");

    await assert.rejects(
      store.db.transaction().execute(async (db) => {
        await cluster.publish(db, "node", "undone");
        throw new Error("called off");
      }),
      /called off/,
    );
    await cluster.publish(store.db, "node", "end");

    await eventually(() => assert.deepEqual(listener.texts, ["end"]));
  });

  check("a subscriber that throws keeps nothing from the others", async (under) => {
    const { store, cluster } = under;
    let thrown = 0;
    cluster.subscribe("node", {
      heard() {
        thrown++;
        throw new Error("deaf");
      },
      missed() {},
    });
    const listener = await listen(under, "node");

    await cluster.publish(store.db, "node", "x");

    await eventually(() => assert.deepEqual([listener.texts, thrown > 0], [["x"], true]));
  });

  check("whoever has stopped hears nothing more", async (under) => {
    const { store, cluster } = under;
    const stopped = await listen(under, "node");
    const listener = await listen(under, "node");

    stopped.stop();
    await cluster.publish(store.db, "node", "x");

    await eventually(() => assert.deepEqual(listener.texts, ["x"]));
    assert.deepEqual(stopped.texts, []);
  });

  check("a text that is too long is refused", async ({ store, cluster }) => {
    const longest = "x".repeat(limits.textBytes);

    await cluster.publish(store.db, "node", longest);
    await assert.rejects(cluster.publish(store.db, "node", `${longest}x`), /longer/);
  });

  check("a task leads until it is stopped, and stopping waits for its end", async ({ cluster }) => {
    const begun = Promise.withResolvers<void>();
    let ended = false;
    const lead = cluster.lead("test", async (signal) => {
      begun.resolve();
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => setImmediate(resolve)));
      ended = true;
    });

    await begun.promise;
    assert.equal(ended, false);
    await lead.stop();

    assert.equal(ended, true);
  });

  check("a task that fails is begun again", async ({ cluster }) => {
    let begun = 0;
    const lead = cluster.lead("test", async () => {
      begun++;
      throw new Error("not now");
    });

    await eventually(() => assert.ok(begun >= 2));
    await lead.stop();
  });

  check("a name is led once in a process, and again when that has stopped", async ({ cluster }) => {
    const task = async (signal: AbortSignal) =>
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
    const first = cluster.lead("test", task);

    assert.throws(() => cluster.lead("test", task), /already/);
    await first.stop();

    await cluster.lead("test", task).stop();
  });

  check("closing ends what still leads", async ({ cluster }) => {
    const begun = Promise.withResolvers<void>();
    let ended = false;
    cluster.lead("test", async (signal) => {
      begun.resolve();
      await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
      ended = true;
    });
    await begun.promise;

    await cluster.close();

    assert.equal(ended, true);
  });
}

/** Resolves once it hears: on a database that takes time for it, what was said before is `missed`. */
async function listen({ store, cluster }: ClusterUnderTest, topic: "node" | "settings") {
  const texts: string[] = [];
  let hears = false;
  const probe = "are you there?";
  const { stop } = cluster.subscribe(topic, {
    heard(text) {
      if (text === probe) hears = true;
      else texts.push(text);
    },
    missed() {},
  });
  await eventually(async () => {
    await cluster.publish(store.db, topic, probe);
    assert.ok(hears);
  });
  return { texts, stop };
}
