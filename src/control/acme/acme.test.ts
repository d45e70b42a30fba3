import assert from "node:assert/strict";
import { test } from "node:test";
import { readServerCertificate } from "#tls/certificate/server-certificate.ts";
import type { AcmeChange } from "#wire/acme.ts";
import { type TestControl, testControl } from "../../../test/harness/control.ts";
import { testCertificate } from "../../../test/harness/test-certificates.ts";
import { onBoth } from "../../../test/harness/test-database.ts";

const DOMAIN = "consoleproxy.url.domain";
const HMAC_KEY = "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0";
/** Where nobody answers. */
const ELSEWHERE = "https://127.0.0.1:1/directory";

for (const t of onBoth("nothing is ordered before somebody says so, and then of Let's Encrypt", async () => {
  await using control = await testControl();
  const { acme } = control.services;

  assert.deepEqual(await acme.show(control.admin), { state: "off" });
  await control.lookAfterCertificates();
  const configured = await acme.configure(control.admin, {});

  assert.deepEqual(configured, {
    state: "idle",
    directory: "https://acme-v02.api.letsencrypt.org/directory",
    agreesToTerms: false,
    challenge: "dns-01",
    names: [],
    failures: 0,
    problem: "the setting consoleproxy.url.domain names no domain: set it",
  });
}))
  test(...t);

for (const t of onBoth("what is not said stays, but for another authority", async () => {
  await using control = await testControl();
  const { acme } = control.services;
  const account = async () => await control.store.db.selectFrom("acme").selectAll().executeTakeFirstOrThrow();
  const externalAccount = { keyId: "key-1", hmacKey: HMAC_KEY };
  await acme.configure(control.admin, { contact: "ops@example.com", agreesToTerms: true, externalAccount });
  const first = await account();

  const kept = await acme.configure(control.admin, { challenge: "http-01" });
  const second = await account();
  const moved = await acme.configure(control.admin, { directory: ELSEWHERE });
  const third = await account();

  assert.deepEqual(
    [kept.contact, kept.agreesToTerms, kept.externalAccount],
    ["ops@example.com", true, { keyId: "key-1" }],
  );
  assert.equal(second.account_thumbprint, first.account_thumbprint);
  assert.deepEqual(
    [moved.contact, moved.agreesToTerms, moved.externalAccount],
    ["ops@example.com", false, undefined],
  );
  assert.notEqual(third.account_thumbprint, first.account_thumbprint);
}))
  test(...t);

for (const t of onBoth("keys are sealed, and stand in no column and no row of the audit log", async () => {
  await using control = await testControl();
  const externalAccount = { keyId: "key-1", hmacKey: HMAC_KEY };

  const told = await control.services.acme.configure(control.admin, { externalAccount });

  const rows = await control.store.db.selectFrom("acme").selectAll().execute();
  const audit = await control.store.db.selectFrom("audit").selectAll().execute();
  const all = JSON.stringify([told, rows, audit]);
  assert.ok(!all.includes(HMAC_KEY) && !all.includes("PRIVATE KEY"));
}))
  test(...t);

for (const [what, change, words] of [
  [
    "a directory without TLS",
    { directory: "http://acme.example/directory" },
    /request_invalid: directory: must be/,
  ],
  [
    "a directory with a password",
    { directory: "https://a:b@acme.example/" },
    /request_invalid: directory: must be/,
  ],
  ["a contact that is none", { contact: "ops" }, /request_invalid: contact: must be a mail address/],
  ["roots that are none", { roots: "hello" }, /request_invalid: roots: must be certificates/],
  [
    "a root that is damaged",
    { roots: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n" },
    /cannot be read/,
  ],
  [
    "a key that is too short",
    { externalAccount: { keyId: "1", hmacKey: "c2VjcmV0" } },
    /request_invalid: hmacKey: must be/,
  ],
  [
    "a key that is no base64",
    { externalAccount: { keyId: "1", hmacKey: "€".repeat(40) } },
    /request_invalid: hmacKey: must be/,
  ],
] as const satisfies readonly (readonly [string, AcmeChange, RegExp])[])
  test(`${what} is refused`, async () => {
    await using control = await testControl();

    await assert.rejects(control.services.acme.configure(control.admin, change), words);

    assert.deepEqual(await control.services.acme.show(control.admin), { state: "off" });
  });

for (const t of onBoth("ACME and uploads do not overwrite each other", async () => {
  await using control = await testControl();
  const { admin } = control;
  const { acme, certificates } = control.services;
  const uploaded = await upload(control);

  await assert.rejects(acme.configure(admin, {}), /conflict: .*--replace-upload/);
  await acme.configure(admin, { replacesUpload: true });
  assert.deepEqual(await certificates.list(admin), [uploaded], "it stays until another one is there");
  await issue(control, "*.example.com");
  await assert.rejects(
    upload(control),
    /conflict: .*letsencrypt\.org by itself: “porthole acme disable” first/,
  );
  const [issued, ...others] = await certificates.list(admin);
  assert.deepEqual([issued?.source, others], ["acme", []]);
  await assert.rejects(
    certificates.remove(admin, issued?.id ?? ""),
    /conflict: .*letsencrypt\.org by itself/,
  );
  const north = await upload(control, "north");
  await certificates.remove(admin, north.id);

  await acme.disable(admin);
  const left = [{ ...issued, source: "upload" }];
  assert.deepEqual(await certificates.list(admin), left, "it stays, and nobody renews it");
  await acme.configure(admin, {});
  assert.deepEqual(await certificates.list(admin), [issued], "it was not uploaded");
  await acme.disable(admin);
  assert.equal((await upload(control)).source, "upload");
}))
  test(...t);

for (const t of onBoth(
  "the domain may become what ACME's certificate is not for yet, and no other's",
  async () => {
    await using control = await testControl();
    const { settings, acme } = control.services;
    await settings.set(control.admin, DOMAIN, "*.example.com");
    await acme.configure(control.admin, {});
    await issue(control, "*.example.com", "example.com");

    await settings.set(control.admin, DOMAIN, "*.example.net");
    assert.equal((await acme.show(control.admin)).state, "waiting");
    await acme.disable(control.admin);

    await assert.rejects(settings.set(control.admin, DOMAIN, "*.example.org"), /conflict: /);
    assert.equal(control.values.value(DOMAIN), "*.example.net");
  },
))
  test(...t);

for (const t of onBoth("another domain is tried at once, whatever failed for the one before", async () => {
  await using control = await testControl();
  const look = await lookElsewhere(control);
  const failures = async () => (await look()).failures;

  assert.deepEqual([await failures(), await failures()], [1, 1]);
  await control.services.settings.set(control.admin, DOMAIN, "*.example.net");

  assert.deepEqual([await failures(), await failures()], [2, 2]);
}))
  test(...t);

for (const t of onBoth("nobody waits for what a clock that was wrong has written down", async () => {
  await using control = await testControl();
  const { acme } = control.services;
  const look = await lookElsewhere(control);
  const yearMs = 365 * 24 * 3_600_000;

  control.clock.advance(yearMs);
  const wrong = await look();
  control.clock.advance(-yearMs);
  const right = await look();
  // As one leaves it that dies while it orders.
  const left = { attempt_id: "of one that died", attempt_until: control.clock.now() + yearMs };
  await control.store.db.updateTable("acme").set(left).execute();
  const after = await acme.show(control.admin);
  control.clock.advance(Date.parse(after.nextAttemptAt ?? "") - control.clock.now());
  const last = await look();

  assert.deepEqual([wrong.failures, right.failures, last.failures], [1, 2, 3]);
  assert.equal(after.state, "failing");
}))
  test(...t);

for (const t of onBoth(
  "nodes learn what to answer before it is ordered, whatever the domain was",
  async () => {
    await using control = await testControl();
    const { settings, acme } = control.services;
    await settings.set(control.admin, DOMAIN, "one.example.com");
    await acme.configure(control.admin, { directory: ELSEWHERE, challenge: "http-01" });
    const look = async () => {
      await control.lookAfterCertificates();
      return (await acme.show(control.admin)).failures;
    };
    control.clock.advance(60_000);
    assert.equal(await look(), 1);

    await settings.set(control.admin, DOMAIN, "two.example.com");
    const { nextAttemptAt } = await acme.configure(control.admin, { directory: `${ELSEWHERE}/other` });

    assert.equal(await look(), 0);
    control.clock.advance(Date.parse(nextAttemptAt ?? "") - control.clock.now());
    assert.equal(await look(), 1);
  },
))
  test(...t);

for (const t of onBoth(
  "by http-01 it is the names of nodes that are up and have none of their own",
  async () => {
    await using control = await testControl();
    const { settings, acme } = control.services;
    await settings.set(control.admin, DOMAIN, "*.example.com");
    await control.node({ pageOrigin: "http://203.0.113.7:8080" });
    await control.node({ pageOrigin: "http://[2001:db8::7]:8080" });
    await control.node({ pageOrigin: "http://own.example.net" });
    const down = await control.node({ pageOrigin: "http://203.0.113.8" });
    await control.link.registry.deregister(down.id, { incarnation: down.incarnation });
    const north = await control.node({ pageOrigin: "http://203.0.113.9" });
    await control.store.db.updateTable("nodes").set({ pool: "north" }).where("id", "=", north.id).execute();
    await upload(control, "north");

    const { names } = await acme.configure(control.admin, { challenge: "http-01" });

    assert.deepEqual(names, ["203-0-113-7.example.com", "2001-db8--7.example.com"]);
  },
))
  test(...t);

for (const t of onBoth(
  "nodes are told the thumbprint while http-01 is asked for, and only then",
  async () => {
    await using control = await testControl();
    const { acme } = control.services;
    const told = async () => (await control.node()).settings.acmeThumbprint;

    assert.equal(await told(), undefined);
    await acme.configure(control.admin, { challenge: "http-01" });
    assert.match((await told()) ?? "", /^[A-Za-z0-9_-]{43}$/);
    await acme.configure(control.admin, { challenge: "dns-01" });

    assert.equal(await told(), undefined);
  },
))
  test(...t);

async function upload(control: TestControl, pool?: string) {
  const { pem, keyPem } = await testCertificate({ names: ["*.example.com"] });
  return await control.services.certificates.upload(control.admin, {
    certificate: pem,
    privateKey: keyPem,
    ...(pool === undefined ? {} : { pool }),
  });
}

/** As if an authority had. */
async function issue(control: TestControl, ...names: readonly string[]): Promise<void> {
  const { pem, keyPem } = await testCertificate({ names });
  const brought = { certificate: pem, privateKey: keyPem };
  const reading = readServerCertificate(brought, { now: control.clock.now(), unfit: () => [] });
  assert.ok("certificate" in reading);
  await control.store.db
    .transaction()
    .execute(async (db) => await control.issued.put(db, reading.certificate));
}

/** Has control try an authority that nobody answers for, as often as the result is called. */
async function lookElsewhere(control: TestControl) {
  const { settings, acme } = control.services;
  await settings.set(control.admin, DOMAIN, "*.example.com");
  await acme.configure(control.admin, { directory: ELSEWHERE });
  return async () => {
    await control.lookAfterCertificates();
    return await acme.show(control.admin);
  };
}
