import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { parseAllDocuments } from "yaml";
import { Secret } from "#base/secret.ts";
import { kubeVirtAccess } from "#hypervisors/kubevirt/access.ts";
import { createKubeVirtDriver } from "#hypervisors/kubevirt/driver.ts";
import { eventually } from "../harness/eventually.ts";
import { startKubeVirtApi } from "./kubevirt-api.ts";

const { signal } = new AbortController();
const DOCUMENT = new URL("../../docs/hypervisors.md", import.meta.url);

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

test("KubeVirt: the rights that the documentation gives an account are those that are used, and no others", async () => {
  await using api = await startKubeVirtApi({ host: "127.0.0.1", port: 1 });
  const given = { secret: new Secret(api.token), caCertificate: api.authority.pem, isReadOnly: false };
  await using driver = createKubeVirtDriver(kubeVirtAccess(api.address, given));
  const address = api.cluster.add("web");
  await driver.identity(signal);
  await driver.list(signal);
  const leave = new AbortController();
  await driver.follow(() => {}, leave.signal);
  await eventually(() => assert.equal(api.cluster.watchers, 2));
  await driver.screenshot(address, signal);
  for (const action of ["reset", "restart", "stop", "start", "cut"] as const)
    await driver.power(address, action, signal);
  leave.abort();

  // The consoles themselves are asked for by a node, by the same account.
  const consoles = ["vnc", "console"].map(
    (each) => `get virtualmachineinstances/${each}.subresources.kubevirt.io`,
  );
  const used = new Set([...api.rights, ...consoles]);
  assert.deepEqual([...documented()].sort(), [...used].sort());
});

/** As `VERB RESOURCE.GROUP`. */
function documented(): Set<string> {
  const [, yaml = ""] = /```yaml\n(apiVersion: rbac.*?)```/s.exec(readFileSync(DOCUMENT, "utf8")) ?? [];
  const objects = parseAllDocuments(yaml).map(
    (each) => each.toJS() as { kind: string; rules?: readonly Rule[] },
  );
  assert.deepEqual(
    objects.map(({ kind }) => kind),
    ["ClusterRole", "ClusterRoleBinding"],
  );
  const rights = objects
    .flatMap(({ rules = [] }) => rules)
    .flatMap(({ apiGroups, resources, verbs }) =>
      apiGroups.flatMap((group) =>
        resources.flatMap((resource) =>
          verbs.map((verb) => `${verb} ${resource}${group === "" ? "" : `.${group}`}`),
        ),
      ),
    );
  return new Set(rights);
}
