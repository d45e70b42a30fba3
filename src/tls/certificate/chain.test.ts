import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { scratch } from "../../../test/harness/scratch.ts";
import { testCertificate, testChain } from "../../../test/harness/test-certificates.ts";
import { chainOf } from "./chain.ts";

test("a root that Node or the system knows need not be brought", async () => {
  await using folder = scratch();
  const { root, upper, lower, leaf } = await testChain({ names: ["console.example.com"] });
  const extra = join(folder.path, "root.pem");
  writeFileSync(extra, root.pem);
  const script = `
    import { X509Certificate } from "node:crypto";
    import { chainOf } from ${JSON.stringify(new URL("chain.ts", import.meta.url).href)};
    const [leaf, ...others] = JSON.parse(process.argv[1]).map((pem) => new X509Certificate(pem));
    const { served, missing } = chainOf(leaf, others);
    console.log(JSON.stringify({ served: served.length, missing }));`;
  const ask = (...certificates: readonly { readonly pem: string }[]): unknown => {
    const pems = JSON.stringify(certificates.map(({ pem }) => pem));
    // A process of its own: what is known is read once.
    const env = { NODE_EXTRA_CA_CERTS: extra };
    const args = ["--input-type=module", "-e", script, pems];
    return JSON.parse(execFileSync(process.execPath, args, { env, encoding: "utf8" }));
  };

  assert.deepEqual(ask(leaf, upper, lower), { served: 3 });
  assert.deepEqual(ask(leaf, lower), { served: 2, missing: "CN=upper" });
});

test("of two certificates of one authority the one that is good for longer is shown", async () => {
  const root = await testCertificate({ commonName: "root" });
  const old = await testCertificate({ commonName: "between", issuer: root, isAuthority: true });
  const leaf = await testCertificate({ names: ["console.example.com"], issuer: old });
  const young = await testCertificate({
    commonName: "between",
    issuer: root,
    isAuthority: true,
    keys: old.keys,
    notAfter: old.certificate.notAfter.getTime() + 1000,
  });
  const others = [old, young, root].map(({ pem }) => new X509Certificate(pem));

  const { served } = chainOf(new X509Certificate(leaf.pem), others);

  assert.deepEqual(
    served.map((each) => each.toString()),
    [leaf, young].map(({ pem }) => pem),
  );
});

test("two authorities that signed each other make no endless chain", async () => {
  const one = await testCertificate({ commonName: "one" });
  const other = await testCertificate({ commonName: "other", issuer: one, isAuthority: true });
  const one2 = await testCertificate({ commonName: "one", issuer: other, isAuthority: true, keys: one.keys });
  const leaf = await testCertificate({ names: ["console.example.com"], issuer: one2 });

  const { missing } = chainOf(
    new X509Certificate(leaf.pem),
    [other, one2].map(({ pem }) => new X509Certificate(pem)),
  );

  assert.equal(missing, "CN=one");
});
