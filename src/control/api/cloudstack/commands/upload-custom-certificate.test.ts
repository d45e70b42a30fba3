import assert from "node:assert/strict";
import { test } from "node:test";
import { type TestApi, testApi } from "../../../../../test/harness/api.ts";
import { cloudStackCall } from "../../../../../test/harness/cloudstack-call.ts";
import { testChain } from "../../../../../test/harness/test-certificates.ts";

const DOMAIN = "company.com";
const NAMES = ["*.company.com", "company.com"];

interface Answer {
  readonly status: number;
  readonly jobid?: string;
  readonly jobstatus?: number;
  readonly jobresult?: { readonly customcertificate?: { readonly message?: string } };
  readonly errorcode?: number;
  readonly errortext?: string;
}

async function upload(api: TestApi, parameters: Readonly<Record<string, string>>): Promise<Answer> {
  const command = "uploadCustomCertificate";
  const { status, content } = await cloudStackCall(api, { command, domainsuffix: DOMAIN, ...parameters });
  return { status, ...content };
}

test("root, intermediates and leaf come one by one, as CloudStack's documentation has it", async () => {
  await using api = await testApi();
  const { root, upper, lower, leaf } = await testChain({ names: NAMES, kind: "rsa" });

  const answers = [
    await upload(api, { id: "1", name: "root", certificate: root.pem }),
    await upload(api, { id: "2", name: "upper", certificate: upper.pem }),
    await upload(api, { id: "3", name: "lower", certificate: lower.pem }),
    await upload(api, { certificate: leaf.pem, privatekey: leaf.keyPem }),
  ];

  for (const { status, jobid = "" } of answers) {
    assert.equal(status, 200);
    const { content } = await cloudStackCall(api, { command: "queryAsyncJobResult", jobid });
    const job = content as unknown as Answer;
    assert.deepEqual([job.jobid, job.jobstatus], [jobid, 1]);
    assert.match(job.jobresult?.customcertificate?.message ?? "", /successfully updated/);
  }
  const serving = await api.control.servingFor("default");
  assert.equal(serving?.chain, leaf.pem + lower.pem + upper.pem);
  assert.equal(api.control.values.value("consoleproxy.url.domain"), "*.company.com");
});

test("the whole chain may come in one certificate", async () => {
  await using api = await testApi();
  const { root, upper, lower, leaf } = await testChain({ names: NAMES });
  const certificate = [upper, leaf, root, lower].map(({ pem }) => pem).join("");

  const { status } = await upload(api, { certificate, privatekey: leaf.keyPem });

  assert.equal(status, 200);
  assert.equal((await api.control.servingFor("default"))?.chain, leaf.pem + lower.pem + upper.pem);
});

test("what is missing or wrong is a parameter error in CloudStack's words, with all that is wrong", async () => {
  await using api = await testApi();
  const { leaf } = await testChain({ names: ["console.example.com"] });
  const certificate = leaf.pem;
  const key = { privatekey: leaf.keyPem };
  const start = "Failed to pass certificate validation check with error: ";

  for (const [parameters, text] of [
    [key, /due to missing parameter certificate$/],
    [{ ...key, certificate, domainsuffix: "" }, /due to missing parameter domainsuffix$/],
    [{ ...key, certificate, name: "x" }, /^Can't change the alias for private key certification$/],
    [{ certificate, id: "1" }, /^alias can't be empty, if it's a certification chain$/],
    [{ certificate, name: "x" }, /^index can't be empty, if it's a certification chain$/],
    [{ certificate, name: "x", id: "first" }, /due to invalid value. Invalid parameter id value=first$/],
    [{ certificate: "hello", name: "x", id: "1" }, new RegExp(`^${start}.*not PEM`)],
    [{ ...key, certificate }, new RegExp(`^${start}.*not for \\*\\.company\\.com.*chain is incomplete`)],
    [{ ...key, certificate, domainsuffix: "192.0.2.1" }, /domain: must be a name, not an address/],
  ] as const) {
    const { status, errorcode, errortext = "" } = await upload(api, parameters);

    assert.deepEqual([status, errorcode], [431, 431], errortext);
    assert.match(errortext, text);
    assert.ok(!errortext.includes(leaf.keyPem.split("\n")[1] ?? ""), "the key is not repeated");
  }
  assert.equal(await api.control.servingFor("default"), undefined);
});
