import assert from "node:assert/strict";
import { test } from "node:test";
import { Secret } from "#base/secret.ts";
import { kubeVirtAccess } from "./access.ts";

const PEM = "-----BEGIN CERTIFICATE-----\n";
const base64 = (text: string) => Buffer.from(text).toString("base64");
const KUBECONFIG = `
apiVersion: v1
kind: Config
current-context: lab
preferences: {}
contexts:
- {name: lab, context: {cluster: lab, user: token, namespace: default}}
- {name: shop, context: {cluster: shop, user: certificate}}
- {name: lost, context: {cluster: nowhere, user: token}}
clusters:
- {name: lab, cluster: {server: "https://lab.example.com:6443", certificate-authority-data: ${base64(PEM)}}}
- {name: shop, cluster: {server: "https://rancher.example.com/k8s/clusters/c-1/"}}
users:
- name: token
  user: {token: ey.J.x}
- name: certificate
  user:
    client-certificate-data: ${base64("certificate")}
    client-key-data: ${base64("key")}
`;
const access = (address: string, secret: string | undefined = KUBECONFIG, more: object = {}) =>
  kubeVirtAccess(address, {
    ...{ secret: secret === undefined ? undefined : new Secret(secret), isReadOnly: false },
    ...more,
  });

test("a kubeconfig is read as far as it says where its context's cluster is, and who asks", async () => {
  const lab = await access("kubeconfig").cluster();
  const shop = await access("kubeconfig:shop").cluster();

  assert.deepEqual(
    [lab.host, lab.port, lab.prefix, lab.token?.expose()],
    ["lab.example.com", 6443, "", "ey.J.x"],
  );
  assert.equal(lab.trust.caCertificate, PEM);
  assert.deepEqual([shop.host, shop.port, shop.prefix], ["rancher.example.com", 443, "/k8s/clusters/c-1"]);
  assert.deepEqual(
    [shop.token, shop.trust.clientCertificate, shop.trust.clientKey?.expose()],
    [undefined, "certificate", "key"],
  );
  const json = JSON.stringify({
    ...{ "current-context": "a", contexts: [{ name: "a", context: { cluster: "a", user: "a" } }] },
    ...{
      clusters: [{ name: "a", cluster: { server: "https://a" } }],
      users: [{ name: "a", user: { token: "t" } }],
    },
  });
  assert.equal((await access("kubeconfig", json).cluster()).host, "a");
});

test("what a kubeconfig wants that is not done is refused, and none of its secrets is told", () => {
  const refused = (secret: string, why: RegExp, address = "kubeconfig") => {
    try {
      access(address, secret);
    } catch (error) {
      assert.match(String(error), why);
      assert.doesNotMatch(String(error), /ey\.J\.x/);
      return;
    }
    assert.fail(`taken: ${why}`);
  };
  const replaced = (from: string, to: string) => KUBECONFIG.replace(from, to);

  refused(KUBECONFIG, /no context “nine”/, "kubeconfig:nine");
  refused(KUBECONFIG, /no cluster or user/, "kubeconfig:lost");
  refused("ey.J.x: [", /no YAML/);
  refused("ey.J.x", /no kubeconfig/);
  refused(`a: &a [x]\nb: [*a]\n${KUBECONFIG}`, /no YAML/);
  refused(replaced("token: ey.J.x", "exec: {command: x}"), /exec is not taken: programs are not run/);
  refused(replaced("token: ey.J.x", "username: x"), /username is not taken/);
  refused(replaced("token: ey.J.x", ""), /no kubeconfig|neither a token/);
  refused(replaced("token: ey.J.x", 'token: "ey.J.x\\r\\nhost: x"'), /none of Kubernetes'/);
  refused(
    replaced("certificate-authority-data:", "insecure-skip-tls-verify: true, x:"),
    /insecure-skip-tls-verify/,
  );
  refused(replaced("https://lab", "http://lab"), /must be https/);
});

test("an address says which cluster, which namespace, and whether who looks already may stay", async () => {
  const { namespace, preservesSession } = access("kubeconfig:lab?namespace=shop&preserveSession=false");
  const plain = await access("https://[2001:db8::1]:6443", "ey.J.x").cluster();

  assert.deepEqual([namespace, preservesSession], ["shop", false]);
  assert.deepEqual(
    [access("kubeconfig").namespace, access("kubeconfig").preservesSession],
    [undefined, true],
  );
  assert.deepEqual([plain.host, plain.port], ["2001:db8::1", 6443]);
  for (const [address, why] of [
    ["kubeconfig?namespace=No", /is no namespace/],
    ["kubeconfig?preserveSession=maybe", /true or false/],
    ["kubeconfig?context=lab", /option context is not known/],
    ["kubeconfig?namespace=shop&namespace=lab", /namespace stands there twice/],
    ["https://:geheim@x", /must be https/],
    ["in-cluster", /opened by what the pod itself has/],
    ["ftp://x", /must be https/],
    ["cluster", /must be https/],
  ] as const)
    assert.throws(
      () => access(address, address.startsWith("kubeconfig") ? KUBECONFIG : "ey.J.x"),
      why,
      address,
    );
  const none = { secret: undefined };
  assert.throws(() => access("kubeconfig", undefined, none), /has to be the kubeconfig/);
  assert.throws(() => access("https://a", undefined, none), /token is missing/);
  assert.throws(() => access("kubeconfig", KUBECONFIG, { caCertificate: PEM }), /kubeconfig says/);
});
