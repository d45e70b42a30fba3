import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { checkFields, checkValues } from "./kubernetes-schema.ts";
import {
  baseManifests,
  lackingKustomize,
  launcherManifests,
  type Manifest,
  renderedManifests,
} from "./manifests.ts";

const base = [...baseManifests(), ...launcherManifests()];

describe("the Kubernetes manifests, by Kubernetes' own OpenAPI document", () => {
  test("have values that it takes", async () => {
    assert.ok(base.length > 12);
    for (const manifest of base) await checkValues(manifest);
  });

  test("have no field that it does not know", async () => {
    assert.equal(await checkFields(base), "");
  });

  test("are as good once they are rendered", { skip: lackingKustomize }, async () => {
    const rendered = renderedManifests("example-launching");

    assert.ok(rendered.length > base.length);
    for (const manifest of rendered) await checkValues(manifest);
    assert.equal(await checkFields(rendered), "");
  });

  test("would be refused with a mistake in them", async () => {
    const [deployment] = base.filter(({ kind }) => kind === "Deployment");
    assert.ok(deployment?.spec !== undefined);
    const wrongValue = { ...deployment, spec: { ...deployment.spec, replicas: "three" } };
    const nothingWanted = { ...deployment, spec: { replicas: 3 } };
    const unknownField = JSON.parse(JSON.stringify(deployment).replace('"readOnly":', '"readonly":'));

    await assert.rejects(checkValues(wrongValue as unknown as Manifest), /replicas must be/);
    await assert.rejects(checkValues(nothingWanted as Manifest), /selector|template/);
    assert.match(await checkFields([unknownField]), /'"readonly"' does not exist/);
  });
});
