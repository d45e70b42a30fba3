import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { scratch } from "../harness/scratch.ts";
import type { Manifest } from "./manifests.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

interface Model {
  validate(): void;
}

/** Throws what Kubernetes' OpenAPI document, as kubernetes-models has compiled it, says against an object's values. */
export async function checkValues(manifest: Manifest): Promise<void> {
  const { apiVersion, kind } = manifest;
  const models: Readonly<Record<string, new (data: unknown) => Model>> = await import(
    `kubernetes-models/${apiVersion}`
  );
  const Kind = models[kind];
  assert.ok(Kind !== undefined, `Kubernetes has no ${kind} in ${apiVersion}`);
  new Kind(manifest).validate();
}

/**
 * Resolves to what is said against the fields of objects: the API server takes what it does not know and forgets it, so
 * that a word with a mistake is never heard of again. The types are made of the same OpenAPI document, and the compiler
 * knows which fields there are.
 */
export async function checkFields(manifests: readonly Manifest[]): Promise<string> {
  await using place = scratch();
  const lines = manifests.flatMap((manifest, index) => {
    const { apiVersion, kind } = manifest;
    return [
      `import type { I${kind} as T${index} } from "kubernetes-models/${apiVersion}/${kind}";`,
      `export const object${index}: T${index} = ${JSON.stringify(manifest, undefined, 1)};`,
    ];
  });
  writeFileSync(join(place.path, "manifests.ts"), lines.join("\n"));
  const options = {
    module: "preserve",
    moduleResolution: "bundler",
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    types: [],
    paths: { "kubernetes-models/*": [join(root, "node_modules/kubernetes-models/*")] },
  };
  writeFileSync(
    join(place.path, "tsconfig.json"),
    JSON.stringify({ compilerOptions: options, include: ["*.ts"] }),
  );
  const compiler = join(root, "node_modules/.bin/tsc");
  const { status, stdout, stderr } = spawnSync(compiler, ["-p", place.path], { encoding: "utf8" });
  assert.equal(status === 0, stdout === "", stderr);
  return stdout;
}
