import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { Secret } from "#base/secret.ts";
import {
  type Instance,
  LaunchError,
  type Launcher,
  type LaunchOrder,
} from "#control/fleet/launchers/launcher.ts";
import { DEFAULT_POOL } from "#wire/api.ts";
import { eventually } from "../harness/eventually.ts";

/** A launcher, and the platform that it launches on. */
export interface LauncherUnderTest extends AsyncDisposable {
  readonly launcher: Launcher;
  /** Another object on the same platform, as a control makes it that starts again, or a second one beside the first. */
  again(): Promise<Launcher>;
  /** What a real node joins with. Absent where the platform runs no nodes in the test: a double. */
  readonly join?: (pool: string) => Promise<LaunchOrder["join"]>;
  /** Resolves when the node of this order is up at control. Where there is `join`. */
  untilUp?(orderId: string): Promise<void>;
  /** Brings about that the platform refuses whatever it is asked, from now on. */
  breakPlatform(): Promise<void>;
}

/** What control takes for granted of every launcher. `open` starts with a platform that has no instances. */
export function launcherConformance(
  kind: string,
  open: () => Promise<LauncherUnderTest>,
  skip: string | false = false,
): void {
  const check = (title: string, body: (under: Under) => Promise<void>) =>
    test(`${kind}: ${title}`, { skip }, async () => {
      await using under = await open();
      await body(withTools(under));
    });

  check("what was launched is listed by its order and pool, and comes to run", async (under) => {
    const order = await under.order();

    await under.launcher.launch(order, under.signal);

    const instance = await under.untilState(order, "running");
    assert.equal(instance.pool, order.pool);
    assert.equal((await under.list()).length, 1);
  });

  check("the node of an instance joins and is up", async (under) => {
    const order = await under.order();

    await under.launcher.launch(order, under.signal);

    await under.untilUp?.(order.id);
    await under.untilState(order, "running");
  });

  check("an order that is launched again, and at once, has one instance", async (under) => {
    const order = await under.order();
    const other = await under.again();

    await Promise.all([
      under.launcher.launch(order, under.signal),
      under.launcher.launch(order, under.signal),
      other.launch(order, under.signal),
    ]);
    await under.untilState(order, "running");
    await other.launch({ ...order, join: (await under.order()).join }, under.signal);

    assert.deepEqual(
      (await under.list()).map(({ orderId }) => orderId),
      [order.id],
    );
    await under.untilUp?.(order.id);
    await other.close();
  });

  check(
    "what an earlier control launched is there for a later one, and runs on between them",
    async (under) => {
      const order = await under.order();
      await under.launcher.launch(order, under.signal);
      await under.untilUp?.(order.id);
      await under.untilState(order, "running");

      await under.launcher.close();
      const later = await under.again();

      const found = await later.list(under.signal);
      assert.deepEqual(
        found.map(({ orderId, pool, state }) => ({ orderId, pool, state })),
        [{ orderId: order.id, pool: order.pool, state: "running" }],
      );
      assert.equal(later.scope, under.launcher.scope);
      await later.destroy(order.id, under.signal);
      await eventually(async () => assert.deepEqual(await later.list(under.signal), []));
      await later.close();
    },
  );

  check(
    "one that is stopped stays, and starts again as the same node; both may be said twice",
    async (under) => {
      const { launcher, signal } = under;
      const order = await under.order();
      await launcher.launch(order, signal);
      await under.untilUp?.(order.id);
      await under.untilState(order, "running");

      await launcher.stop(order.id, signal);
      await under.untilState(order, "stopped");
      await launcher.stop(order.id, signal);
      await launcher.start(order.id, signal);
      await under.untilState(order, "running");
      await launcher.start(order.id, signal);

      await under.untilState(order, "running");
      await under.untilUp?.(order.id);
      assert.equal((await under.list()).length, 1);
    },
  );

  check("one that is destroyed is gone, and the others stay", async (under) => {
    const { launcher, signal } = under;
    const [first, second] = [await under.order(), await under.order()];
    await launcher.launch(first, signal);
    await launcher.launch(second, signal);
    await under.untilState(first, "running");
    await under.untilState(second, "running");
    const doomed = (await under.list()).find(({ isRemovable }) => isRemovable !== false)?.orderId ?? "";
    const rest = [first.id, second.id].filter((id) => id !== doomed);

    await launcher.destroy(doomed, signal);

    await eventually(async () =>
      assert.deepEqual(
        (await under.list()).map(({ orderId }) => orderId),
        rest,
      ),
    );
    await launcher.destroy(doomed, signal);
    assert.deepEqual((await under.list()).map(({ state }) => state).includes("stopped"), false);
  });

  check("one that is stopped can be destroyed", async (under) => {
    const { launcher, signal } = under;
    const order = await under.order();
    await launcher.launch(order, signal);
    await under.untilState(order, "running");
    await launcher.stop(order.id, signal);
    await under.untilState(order, "stopped");

    await launcher.destroy(order.id, signal);

    await eventually(async () => assert.deepEqual(await under.list(), []));
  });

  check("what is not there can be stopped and destroyed, and not started", async (under) => {
    const { launcher, signal } = under;
    const unknown = randomUUID();

    await launcher.stop(unknown, signal);
    await launcher.destroy(unknown, signal);

    await assert.rejects(launcher.start(unknown, signal), LaunchError);
    assert.deepEqual(await under.list(), []);
  });

  check("the join token is in no command line and no environment", async (under) => {
    const order = await under.order();

    await under.launcher.launch(order, under.signal);
    await under.untilState(order, "running");

    assert.deepEqual(processesThatShow(order.join.token.expose()), []);
  });

  check("what a broken platform says is an error without secrets, and does not hang", async (under) => {
    const { launcher, signal } = under;
    const order = await under.order();
    await under.breakPlatform();

    const failures = await Promise.all(
      [launcher.launch(order, signal), launcher.list(signal)].map(async (call) => await failureOf(call)),
    );

    for (const failure of failures) {
      assert.ok(failure instanceof LaunchError, `it is no LaunchError: ${String(failure)}`);
      assert.ok(!failure.message.includes(order.join.token.expose()), "it tells the token");
      assert.match(failure.message, /^[^A-Z]/);
    }
  });

  check("a call that is given up ends", async ({ launcher, ...under }) => {
    const order = await under.order();

    const given = AbortSignal.abort();

    await assert.rejects(launcher.launch(order, given));
    await assert.rejects(launcher.list(given));
  });
}

interface Under extends LauncherUnderTest {
  readonly signal: AbortSignal;
  order(): Promise<LaunchOrder>;
  list(): Promise<readonly Instance[]>;
  untilState(order: LaunchOrder, state: Instance["state"]): Promise<Instance>;
}

function withTools(under: LauncherUnderTest): Under {
  const { signal } = new AbortController();
  const list = async () => await under.launcher.list(signal);
  return {
    ...under,
    signal,
    list,
    async order() {
      const join = await (under.join?.(DEFAULT_POOL) ?? Promise.resolve(joinNobody()));
      return { id: randomUUID(), pool: DEFAULT_POOL, join };
    },
    async untilState(order, state) {
      return await eventually(async () => {
        const found = (await list()).find(({ orderId }) => orderId === order.id);
        assert.equal(found?.state, state);
        assert.ok(found !== undefined);
        return found;
      });
    },
  };
}

/** For platforms that run no node: nobody joins with it. */
function joinNobody(): LaunchOrder["join"] {
  return {
    controls: ["https://127.0.0.1:1"],
    token: new Secret(`${"f".repeat(43)}.${randomUUID()}`),
    listen: "127.0.0.1:0",
  };
}

async function failureOf(call: Promise<unknown>): Promise<unknown> {
  try {
    await call;
  } catch (error) {
    return error;
  }
  return undefined;
}

/** By what anybody on this machine may read of a process, and its owner. */
function processesThatShow(secret: string): readonly string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && name !== String(process.pid))
    .flatMap((pid) =>
      ["cmdline", "environ"].filter((file) => {
        try {
          return readFileSync(`/proc/${pid}/${file}`, "latin1").includes(secret);
        } catch {
          return false; // It has ended, or is somebody else's.
        }
      }),
    );
}
