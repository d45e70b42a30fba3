import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { test } from "node:test";
import { Secret } from "#base/secret.ts";
import { launcherConformance } from "../../../../../test/conformance/launchers.ts";
import { eventually } from "../../../../../test/harness/eventually.ts";
import { type KubernetesApi, startKubernetesApi } from "../../../../../test/peers/kubernetes-api.ts";
import { lackingKubernetesOpenApi } from "../../../../../test/peers/kubernetes-openapi.ts";
import { LaunchError, type Launcher, type LaunchOrder } from "../launcher.ts";
import { createKubernetesLauncher } from "./kubernetes.ts";

const skip = lackingKubernetesOpenApi;
const { signal } = new AbortController();

launcherConformance(
  "kubernetes",
  async () => {
    const cluster = await startKubernetesApi();
    return {
      launcher: launcherOf(cluster),
      again: async () => launcherOf(cluster),
      breakPlatform: async () => await cluster.stop(),
      [Symbol.asyncDispose]: async () => await cluster[Symbol.asyncDispose](),
    };
  },
  skip,
);

test("pods that were there before are not the launcher's: it adds behind them, and leaves them alone", {
  skip,
}, async () => {
  await using cluster = await startKubernetesApi({ replicas: 2 });
  const launcher = launcherOf(cluster);
  const launched = order();

  await launcher.launch(launched, signal);

  const [instance] = await until(launcher, [{ id: launched.id, state: "running" }]);
  assert.equal(instance?.joinsAs, "consoles/porthole-proxy-2");
  await launcher.destroy(launched.id, signal);
  await until(launcher, []);
  assert.deepEqual(cluster.pods, ["porthole-proxy-0", "porthole-proxy-1"]);
});

test("only the last pod can be taken away or stopped, and the list says which one that is", {
  skip,
}, async () => {
  await using cluster = await startKubernetesApi();
  const launcher = launcherOf(cluster);
  const [first, second] = [order(), order()];
  await launcher.launch(first, signal);
  await launcher.launch(second, signal);

  const listed = await launcher.list(signal);

  assert.deepEqual(
    listed.map(({ orderId, isRemovable }) => [orderId, isRemovable !== false]),
    [
      [first.id, false],
      [second.id, true],
    ],
  );
  for (const call of [launcher.destroy, launcher.stop])
    await assert.rejects(call(first.id, signal), {
      name: "LaunchError",
      message: /gives up its last pod only, and porthole-proxy-0 has others behind it/,
    });
  await launcher.destroy(second.id, signal);
  assert.deepEqual(
    (await launcher.list(signal)).find(({ orderId }) => orderId === first.id)?.isRemovable,
    undefined,
  );
});

test("a pod that drains is listed as long as it is there, and its successor waits for it", {
  skip,
}, async () => {
  await using cluster = await startKubernetesApi();
  const launcher = launcherOf(cluster);
  const [leaving, next] = [order(), order()];
  await launcher.launch(leaving, signal);
  await until(launcher, [{ id: leaving.id, state: "running" }]);
  cluster.podsGo = false;

  await launcher.destroy(leaving.id, signal);
  await launcher.launch(next, signal);

  await until(launcher, [
    { id: leaving.id, state: "running" },
    { id: next.id, state: "starting" },
  ]);
  cluster.podsGo = true;
  await until(launcher, [{ id: next.id, state: "running" }]);
  assert.deepEqual(cluster.pods, ["porthole-proxy-0"]);
});

test("nothing comes behind a pod that is stopped, and pods start again in their order", {
  skip,
}, async () => {
  await using cluster = await startKubernetesApi();
  const launcher = launcherOf(cluster);
  const [first, second] = [order(), order()];
  for (const each of [first, second]) await launcher.launch(each, signal);
  for (const each of [second, first]) await launcher.stop(each.id, signal);

  await assert.rejects(launcher.launch(order(), signal), /number 0 is stopped/);
  await assert.rejects(launcher.start(second.id, signal), /number 0 is stopped too/);
  await launcher.start(first.id, signal);
  await launcher.start(second.id, signal);

  await until(launcher, [
    { id: first.id, state: "running" },
    { id: second.id, state: "running" },
  ]);
});

test("however many order at once, each has a pod of its own, and there are never more than the maximum", {
  skip,
}, async () => {
  await using cluster = await startKubernetesApi();
  const launchers = [1, 2, 3].map(() => launcherOf(cluster, { maximum: 4 }));
  const orders = Array.from({ length: 9 }, () => order());

  const results = await Promise.allSettled(
    orders.map(async (each, index) => await launchers[index % 3]?.launch(each, signal)),
  );

  const refused = results.filter(({ status }) => status === "rejected");
  assert.equal(refused.length, 5);
  for (const each of refused)
    assert.match(String((each as PromiseRejectedResult).reason), /has 4 replicas, and may have 4/);
  const [launcher] = launchers;
  assert.ok(launcher !== undefined);
  await eventually(async () => {
    const listed = await launcher.list(signal);
    assert.deepEqual(
      listed.map(({ joinsAs, state }) => [joinsAs, state]),
      [0, 1, 2, 3].map((number) => [`consoles/porthole-proxy-${number}`, "running"]),
    );
  });
  assert.equal(cluster.mostReplicas, 4);
});

test("what others change meanwhile is read again, and those who do it all the time are named", {
  skip,
}, async () => {
  await using cluster = await startKubernetesApi();
  const launcher = launcherOf(cluster);
  cluster.interferences = 6;
  const launched = order();

  await launcher.launch(launched, signal);

  await until(launcher, [{ id: launched.id, state: "running" }]);
  assert.equal(cluster.mostReplicas, 1);
  cluster.interferences = 1_000;
  await assert.rejects(launcher.launch(order(), signal), /was changed by others all the time/);
});

test("a control that was killed between its two writes left what the next launch puts right", {
  skip,
}, async () => {
  await using cluster = await startKubernetesApi();
  const launcher = launcherOf(cluster);
  const launched = order();
  const entry = { order: launched.id, pool: "default", ordinal: 0, state: "wanted" };
  cluster.writeOrders(JSON.stringify([entry]));

  await until(launcher, [{ id: launched.id, state: "starting" }]);
  await launcher.launch(launched, signal);

  await until(launcher, [{ id: launched.id, state: "running" }]);
  assert.equal(cluster.mostReplicas, 1);
});

test("what somebody has scaled by hand is put right by the next change", { skip }, async () => {
  await using cluster = await startKubernetesApi();
  const launcher = launcherOf(cluster);
  const [first, second] = [order(), order()];
  await launcher.launch(first, signal);
  cluster.scaleTo(0);

  await launcher.launch(second, signal);

  await until(launcher, [
    { id: first.id, state: "running" },
    { id: second.id, state: "running" },
  ]);
});

test("a pod that does not come up is starting, and it is said why", { skip }, async () => {
  await using cluster = await startKubernetesApi();
  cluster.podsStart = false;
  const launcher = launcherOf(cluster);
  const launched = order();

  await launcher.launch(launched, signal);

  const [instance] = await until(launcher, [{ id: launched.id, state: "starting" }]);
  assert.equal(instance?.problem, "ImagePullBackOff: Back-off pulling image");
});

test("what fails for a moment is asked again, and what does not is said with the API's reason", {
  skip,
}, async () => {
  await using cluster = await startKubernetesApi();
  const launcher = launcherOf(cluster);
  const launched = order();
  cluster.failures.push(503, 429, 500);

  await launcher.launch(launched, signal);

  await until(launcher, [{ id: launched.id, state: "running" }]);
  cluster.failures.push(503, 503, 503, 503);
  await assert.rejects(launcher.list(signal), /status 503: this is the answer 503/);
  writeFileSync(cluster.tokenFile, "somebody");
  await assert.rejects(launcher.list(signal), /status 403: statefulsets.apps "porthole-proxy" is forbidden/);
});

test("another pool, another StatefulSet and a spoilt config map are refused in words", { skip }, async () => {
  await using cluster = await startKubernetesApi();
  const launcher = launcherOf(cluster);

  await assert.rejects(
    launcher.launch({ ...order(), pool: "edge" }, signal),
    /are of the pool default, not edge/,
  );
  await assert.rejects(
    createKubernetesLauncher({ ...optionsOf(cluster), statefulSet: "other" }).list(signal),
    /there is no StatefulSet other in the namespace consoles/,
  );
  for (const spoilt of [
    "{",
    '[{"order":1}]',
    '[{"order":"x","pool":"default","ordinal":-1,"state":"wanted"}]',
  ]) {
    cluster.writeOrders(spoilt);
    await assert.rejects(
      launcher.list(signal),
      (error) => error instanceof LaunchError && /somebody has changed it/.test(error.message),
    );
  }
});

test("the join token never leaves control: pods join as what they are", { skip }, async () => {
  await using cluster = await startKubernetesApi();
  const launcher = launcherOf(cluster);
  const launched = order();

  await launcher.launch(launched, signal);

  assert.ok(!cluster.said.includes(launched.join.token.expose()));
  assert.ok(cluster.said.includes(launched.id));
});

function optionsOf({ api, authorityFile, tokenFile, namespace, statefulSet }: KubernetesApi) {
  return { api, authorityFile, tokenFile, namespace, statefulSet, pool: "default", maximum: () => 100 };
}

function launcherOf(cluster: KubernetesApi, { maximum = 100 }: { readonly maximum?: number } = {}): Launcher {
  return createKubernetesLauncher({ ...optionsOf(cluster), maximum: () => maximum });
}

function order(): LaunchOrder {
  const token = new Secret(`${"f".repeat(43)}.${randomUUID()}`);
  return { id: randomUUID(), pool: "default", join: { controls: ["https://127.0.0.1:1"], token } };
}

async function until(
  launcher: Launcher,
  expected: readonly { readonly id: string; readonly state: string }[],
) {
  return await eventually(async () => {
    const listed = await launcher.list(signal);
    assert.deepEqual(
      listed.map(({ orderId, state }) => ({ id: orderId, state })),
      expected,
    );
    return listed;
  });
}
