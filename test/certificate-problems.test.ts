import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type Demand, fit } from "#control/certificates/coverage.ts";
import { consoleDomain } from "#control/fleet/public-names.ts";
import { readServerCertificate } from "#tls/certificate/server-certificate.ts";
import type { CertificateUpload } from "#tls/certificate/upload.ts";
import { fieldOfDetail, type Problems, problemsByField } from "#web/operator/certificates/problems.ts";
import { lacking } from "./harness/requirements.ts";
import { scratch } from "./harness/scratch.ts";
import { ExtendedKeyUsage, HOUR_MS, testCertificate, testChain } from "./harness/test-certificates.ts";

/** What the dialog shows of what is wrong with an upload: the real reading of it, sorted and in German. */
function shown(upload: CertificateUpload, { domains = [], entrances = [] }: Partial<Demand> = {}) {
  const unfit = (names: readonly string[]) =>
    domains.length === 0 ? [] : fit(names, { domains, entrances }).problems;
  const reading = readServerCertificate(upload, { now: Date.now(), unfit });
  assert.ok("problems" in reading, "it is refused");
  const kind = upload.pkcs12 === undefined ? "pem" : "pkcs12";
  const brought = { kind, hasDomain: domains.some((domain) => domain !== "") } as const;
  const [english, german] = (["en", "de"] as const).map((language) =>
    problemsByField(reading.problems, brought, language),
  );
  assert.ok(english !== undefined && german !== undefined);
  assert.deepEqual(Object.keys(english), Object.keys(german));
  const texts = (problems: Problems) => Object.values(problems).flat();
  assert.equal(texts(english).length, reading.problems.length);
  for (const [index, text] of texts(german).entries()) {
    assert.notEqual(text, texts(english)[index], "it is not translated");
    assert.match(text, /^[A-ZÄÖÜ].*\.$/);
    assert.doesNotMatch(text, /[“”]\S*[“]|\b(the|is|and|not) /, text);
  }
  return english;
}

test("what is wrong with a certificate, its key and its chain stands beside each of them", async () => {
  const good = await testCertificate({ names: ["a.example.com"] });
  const other = await testCertificate({ names: ["a.example.com"] });
  const expired = await testCertificate({ names: ["a.example.com"], notAfter: Date.now() - HOUR_MS / 2 });
  const early = await testCertificate({ names: ["a.example.com"], notBefore: Date.now() + HOUR_MS });
  const weak = await testCertificate({ kind: "weakRsa", names: ["a.example.com"] });
  const client = await testCertificate({ names: ["a.example.com"], usages: [ExtendedKeyUsage.clientAuth] });
  const nameless = await testCertificate({ commonName: "a.example.com", isAuthority: false });
  const { leaf } = await testChain({ names: ["a.example.com"] });
  const certificate = (each: { pem: string; keyPem: string }) => ({
    certificate: each.pem,
    privateKey: each.keyPem,
  });

  const both = shown({ certificate: expired.pem, privateKey: other.keyPem });
  assert.match(
    both.privateKey?.join() ?? "",
    /^The private key does not fit the certificate “a\.example\.com”\.$/,
  );
  assert.match(
    both.certificate?.join() ?? "",
    /^The certificate “a\.example\.com” expired on \d{4}-\d\d-\d\d\.$/,
  );
  for (const upload of [early, weak, client, nameless, leaf].map(certificate))
    assert.deepEqual(Object.keys(shown(upload)), ["certificate"]);
  for (const text of [
    "hello",
    "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n",
    "-----BEGIN DH PARAMETERS-----\nAAAA\n-----END DH PARAMETERS-----\n",
    "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    good.pem.repeat(33),
    "x".repeat(65 * 1024),
  ])
    assert.deepEqual(Object.keys(shown({ certificate: text, privateKey: good.keyPem })), ["certificate"]);
  for (const privateKey of [
    undefined,
    "hello",
    "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n",
    "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    "x".repeat(65 * 1024),
  ])
    assert.deepEqual(Object.keys(shown({ certificate: good.pem, privateKey })), ["privateKey"]);
  const host = "https://203.0.113.7";
  const entrances = [{ pageOrigin: host, webSocketOrigin: host }];
  assert.deepEqual(Object.keys(shown(certificate(good), { domains: [""], entrances })), ["certificate"]);
  assert.deepEqual(
    Object.keys(shown(certificate(good), { domains: ["*.company.com", "company.com"] })),
    ["domain"],
    "who has typed a domain may mend that",
  );
});

test("what is wrong with a passphrase stands beside it", { skip: lacking("openssl") }, async () => {
  await using place = scratch();
  const openssl = (command: string) => execFileSync("openssl", command.split(" "), { cwd: place.path });
  const { pem, keyPem } = await testCertificate({ names: ["a.example.com"] });
  const privateKey = openssl("genrsa -aes256 -passout pass:right 2048").toString();
  writeFileSync(join(place.path, "all.pem"), pem + keyPem);
  const p12 = openssl("pkcs12 -export -in all.pem -passout pass:right");
  const bare = openssl("pkcs12 -export -nokeys -in all.pem -passout pass:right");

  for (const passphrase of [undefined, "wrong"]) {
    assert.ok("passphrase" in shown({ certificate: pem, privateKey, passphrase }));
    assert.deepEqual(Object.keys(shown({ pkcs12: p12, passphrase })), ["passphrase"]);
  }
  assert.deepEqual(Object.keys(shown({ pkcs12: bare, passphrase: "right" })), ["pkcs12"]);
  assert.deepEqual(Object.keys(shown({ pkcs12: Uint8Array.of(0x30, 0), passphrase: "right" })), ["pkcs12"]);
});

test("what is wrong with a domain stands beside it, in either language", () => {
  for (const text of [" ", "203.0.113.7", "not a domain!", "a.".repeat(130), "console.123"]) {
    const [english, german] = (["en", "de"] as const).map((language) =>
      fieldOfDetail(`domain: ${problemOf(text)}`, language),
    );

    assert.deepEqual([english?.field, german?.field], ["domain", "domain"]);
    assert.match(english?.words ?? "", /^Must be .*\.$/);
    assert.match(german?.words ?? "", /^Muss ein .*\.$/, english?.words);
  }
});

/** As an upload with it has it. */
function problemOf(domain: string): string {
  try {
    if (consoleDomain(domain) === "") return "must be a domain name";
  } catch (error) {
    return error instanceof Error ? error.message : "";
  }
  assert.fail(`${domain} is taken`);
}

test("what is said in words that are not known here is shown as control says it, where its words point to", () => {
  const said = ["the certificate is not for node.example.com, which node 7 is called", "the moon is full"];

  assert.deepEqual(problemsByField(said, { kind: "pem", hasDomain: false }, "de"), {
    certificate: ["The certificate is not for node.example.com, which node 7 is called."],
    form: ["The moon is full."],
  });
});
