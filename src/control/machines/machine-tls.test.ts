import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { manualDriver } from "#hypervisors/manual/driver.ts";
import type { NewMachineTls } from "#wire/machine-security.ts";
import { testControl } from "../../../test/harness/control.ts";
import {
  ExtendedKeyUsage,
  type TestCertificate,
  testCertificate,
} from "../../../test/harness/test-certificates.ts";
import { onBoth } from "../../../test/harness/test-database.ts";
import { type Drivers, driverOf, GUARDED_DRIVER } from "./driver-machine.ts";
import { readMachineTls } from "./machine-tls.ts";

const PIN = "ab".repeat(32);

let authority: TestCertificate;
let client: TestCertificate;
before(async () => {
  authority = await testCertificate({ commonName: "hypervisors" });
  const usages = [ExtendedKeyUsage.clientAuth];
  client = await testCertificate({ names: ["node.example.com"], issuer: authority, usages });
});

describe("what an administrator says of TLS", () => {
  test("is kept in one spelling", () => {
    const pin = PIN.toUpperCase().replace(/(..)(?=.)/g, "$1:");

    assert.deepEqual(readMachineTls({ mode: "pin", pin: `SHA256:${pin}` }).tls, {
      mode: "pin",
      pin: `sha256:${PIN}`,
    });
    assert.deepEqual(readMachineTls({ mode: "pin", pin: "RA2:81-9F-00-11-22-33-44-55" }).tls, {
      mode: "pin",
      pin: "ra2:819f001122334455",
    });
    assert.deepEqual(readMachineTls({ mode: "verify", serverName: "KVM-7.example.com" }).tls, {
      mode: "verify",
      serverName: "kvm-7.example.com",
    });
    assert.equal(
      readMachineTls({ mode: "verify", ca: `some words\n${authority.pem}` }).tls.ca,
      authority.pem,
    );
  });

  test("has the key of a client certificate apart", () => {
    const { tls, clientKey } = readMachineTls({
      mode: "insecure",
      clientCertificate: authority.pem + client.pem,
      clientKey: client.keyPem,
    });

    assert.match(tls.clientCertificate ?? "", /^-----BEGIN CERTIFICATE-----/);
    assert.ok(!JSON.stringify(tls).includes("PRIVATE"));
    assert.equal(clientKey?.expose(), client.keyPem);
  });

  const REFUSED: readonly (readonly [string, () => NewMachineTls, RegExp])[] = [
    ["a pin that is none", () => ({ mode: "pin", pin: "sha256:abcd" }), /64 hexadecimal digits/],
    ["a pin of RA2 that is none", () => ({ mode: "pin", pin: "ra2:81-9f" }), /16 hexadecimal digits/],
    ["no pin", () => ({ mode: "pin" }), /takes a pin/],
    ["a pin beside an authority", () => ({ mode: "verify", pin: `sha256:${PIN}` }), /for the mode pin/],
    [
      "an authority where nothing is verified",
      () => ({ mode: "insecure", ca: authority.pem }),
      /mode verify/,
    ],
    ["an authority that is no PEM", () => ({ mode: "verify", ca: "MIIB" }), /not PEM/],
    [
      "an authority that is damaged",
      () => ({ mode: "verify", ca: authority.pem.replace(/\n[^-]{8}/, "\nAAAAAAAA") }),
      /damaged/,
    ],
    ["a server name that is none", () => ({ mode: "verify", serverName: "a b" }), /no name/],
    [
      "a client certificate without its key",
      () => ({ mode: "insecure", clientCertificate: client.pem }),
      /go together/,
    ],
    [
      "the key of another certificate",
      () => ({ mode: "insecure", clientCertificate: client.pem, clientKey: authority.keyPem }),
      /belongs to none/,
    ],
  ];
  for (const [title, tls, problem] of REFUSED) {
    test(`is refused with ${title}`, () => {
      assert.throws(
        () => readMachineTls(tls()),
        (error: { code?: string; detail?: string }) =>
          error.code === "request_invalid" &&
          problem.test(error.detail ?? "") &&
          !/PRIVATE/.test(error.detail ?? ""),
      );
    });
  }
});

for (const t of onBoth(
  "a client certificate's key never comes back, and is sealed in the database",
  async () => {
    await using control = await testControl();
    const { machines } = control.services;
    const tls = { mode: "verify", clientCertificate: client.pem, clientKey: client.keyPem } as const;

    const added = await control.machine({ username: "ute", password: "geheim-eins", tls });

    const rows = await control.store.db.selectFrom("machines").selectAll().execute();
    const audit = await control.store.db.selectFrom("audit").selectAll().execute();
    const shown = [
      added,
      await machines.get(control.admin, added.id),
      await machines.list(control.admin, {}),
    ];
    for (const text of [JSON.stringify(shown), JSON.stringify(rows), JSON.stringify(audit)])
      assert.ok(!text.includes("PRIVATE KEY") && !text.includes("geheim"));
    assert.match(rows[0]?.client_key_sealed ?? "", /^v1\./);
    assert.equal(added.username, "ute");
    assert.deepEqual(Object.keys(added.tls ?? {}), ["mode", "clientCertificate"]);
  },
))
  test(...t);

for (const t of onBoth("what is demanded is set as a whole, left as it is, and taken away", async () => {
  await using control = await testControl();
  const { machines } = control.services;
  const { id } = await control.machine({
    tls: { mode: "insecure", clientCertificate: client.pem, clientKey: client.keyPem },
  });
  const change = async (body: Parameters<typeof machines.update>[2]) =>
    await machines.update(control.admin, id, body);
  const row = async () => await control.store.db.selectFrom("machines").selectAll().executeTakeFirstOrThrow();

  const pinned = await change({ tls: { mode: "pin", pin: `sha256:${PIN}` } });
  assert.deepEqual(pinned.tls, { mode: "pin", pin: `sha256:${PIN}` });
  assert.equal((await row()).client_key_sealed, null, "no key is left of what is not there any more");
  assert.deepEqual((await change({ name: "other" })).tls, pinned.tls);
  assert.equal((await row()).driver, GUARDED_DRIVER);
  assert.equal((await change({ tls: null })).tls, undefined);
  assert.equal((await row()).driver, "manual");
}))
  test(...t);

for (const t of onBoth("what cannot go together is refused, and changes nothing", async () => {
  await using control = await testControl();
  const { machines } = control.services;
  const socket = await control.machine({ address: "unix:/run/vnc.sock" });
  const account = await control.machine({
    username: "ute",
    password: "p",
    tls: { mode: "insecure" },
  });

  for (const [id, change, problem] of [
    [socket.id, { tls: { mode: "verify" } }, /set serverName/],
    [account.id, { password: null }, /goes with a password/],
  ] as const)
    await assert.rejects(
      machines.update(control.admin, id, change),
      (error: { code?: string; detail?: string }) =>
        error.code === "request_invalid" && problem.test(error.detail ?? ""),
    );

  assert.deepEqual((await machines.get(control.admin, account.id)).tls, { mode: "insecure" });
}))
  test(...t);

for (const t of onBoth(
  "a replica of the version before opens no console of a machine with demands",
  async () => {
    await using control = await testControl();
    await control.machine({ tls: { mode: "insecure" } });
    await control.machine({ name: "web-2", address: "ws://kvm-7.example.com:6080/websockify" });
    const rows = await control.store.db.selectFrom("machines").selectAll().execute();
    const olderHas: Drivers = new Map([["manual", manualDriver]]);

    assert.equal(rows.length, 2);
    for (const row of rows) assert.throws(() => driverOf(olderHas, row.driver), /no driver/);
  },
))
  test(...t);

for (const t of onBoth("an address with TLS goes with how its certificate is judged", async () => {
  await using control = await testControl();
  for (const address of ["tls://kvm-7.example.com:5901", "wss://kvm-7.example.com/console"]) {
    await assert.rejects(
      control.machine({ address }),
      (error: { code?: string; detail?: string }) =>
        error.code === "request_invalid" && /how its certificate is judged/.test(error.detail ?? ""),
    );
  }

  const { id, address } = await control.machine({
    address: "wss://KVM-7.example.com/console",
    tls: { mode: "verify" },
  });

  assert.equal(address, "wss://kvm-7.example.com:443/console");
  await assert.rejects(control.services.machines.update(control.admin, id, { tls: null }), {
    code: "request_invalid",
  });
}))
  test(...t);
