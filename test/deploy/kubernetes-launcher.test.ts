import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { describe, test } from "node:test";
import { Secret } from "#base/secret.ts";
import { createKubernetesLauncher } from "#control/fleet/launchers/kubernetes/kubernetes.ts";
import { launcherChoice, poolOfPod } from "#control/fleet/launchers/launchers.ts";
import { startKubernetesApi } from "../peers/kubernetes-api.ts";
import { lackingKubernetesOpenApi } from "../peers/kubernetes-openapi.ts";
import {
  environmentOf,
  lackingKustomize,
  launcherManifests,
  type Manifest,
  renderedManifests,
  workloadsOf,
} from "./manifests.ts";

test("control may ask the API for what its launcher asks, and for nothing else", {
  skip: lackingKubernetesOpenApi,
}, async () => {
  await using cluster = await startKubernetesApi();
  const launcher = createKubernetesLauncher({ ...cluster, pool: "default", maximum: () => 10 });
  const { signal } = new AbortController();
  const join = { controls: ["https://127.0.0.1:1"], token: new Secret("token") };
  const order = { id: randomUUID(), pool: "default", join };

  await launcher.launch(order, signal);
  await launcher.list(signal);
  await launcher.stop(order.id, signal);
  await launcher.start(order.id, signal);
  await launcher.destroy(order.id, signal);

  const role = one(launcherManifests(), "Role");
  assert.deepEqual([...cluster.rights].sort(), rightsOf(role));
});

describe("the rendered example whose control launches", { skip: lackingKustomize }, () => {
  const manifests = lackingKustomize === false ? renderedManifests("example-launching") : [];
  const workloads = workloadsOf(manifests);
  const workload = (name: string) => {
    const found = workloads.find((each) => each.name === name);
    assert.ok(found !== undefined, name);
    return found;
  };

  test("has its launcher scale the StatefulSet that is there, by the rights that control is given", () => {
    const control = workload("porthole-control");
    const { PORTHOLE_CONTROL_LAUNCHERS: launchers = "" } = environmentOf(control, {
      manifests,
      namespace: "consoles",
    });
    const choice = launcherChoice(launchers);
    const [role, binding] = [one(manifests, "Role"), one(manifests, "RoleBinding")];

    assert.deepEqual(choice, {
      pool: "default",
      kind: "kubernetes",
      name: `consoles/${workload("porthole-proxy").name}`,
    });
    assert.equal(poolOfPod([choice], "consoles/porthole-proxy-0"), "default");
    assert.equal(binding.roleRef?.name, role.metadata.name);
    assert.deepEqual(binding.subjects, [
      { kind: "ServiceAccount", name: control.pod.serviceAccountName, namespace: "consoles" },
    ]);
    const orders = manifests.find(({ metadata }) => metadata.name === "porthole-proxy-orders");
    assert.deepEqual([orders?.kind, orders?.metadata.namespace], ["ConfigMap", "consoles"]);
  });

  test("leaves to control what control writes: an apply says neither replicas nor orders", () => {
    const orders = manifests.find(({ metadata }) => metadata.name === "porthole-proxy-orders");

    assert.ok(orders !== undefined && !("data" in orders));
    assert.equal(workload("porthole-proxy").manifest.spec?.replicas, undefined);
  });

  test("makes no variable of another that comes behind it", () => {
    for (const { container } of workloads)
      for (const [index, { value = "" }] of container.env.entries())
        for (const [, name] of value.matchAll(/\$\((\w+)\)/g))
          assert.ok(
            container.env.slice(0, index).some((earlier) => earlier.name === name),
            value,
          );
  });
});

function one(manifests: readonly Manifest[], kind: string): Manifest {
  const [found, ...others] = manifests.filter((each) => each.kind === kind);
  assert.ok(found !== undefined && others.length === 0, kind);
  return found;
}

/** As the double tells what it was asked. */
function rightsOf({ rules = [] }: Manifest): readonly string[] {
  return rules
    .flatMap(({ apiGroups, resources, resourceNames = [""], verbs }) =>
      apiGroups.flatMap((group) =>
        resources.flatMap((resource) =>
          resourceNames.flatMap((name) =>
            verbs.map((verb) => `${verb} ${resource}${group && `.${group}`} ${name}`.trim()),
          ),
        ),
      ),
    )
    .sort();
}
