import assert from "node:assert/strict";
import { test } from "node:test";
import { Secret } from "#base/secret.ts";
import type { DriverMachine, DriverTls } from "../driver.ts";
import { manualDriver } from "./driver.ts";

const machine: DriverMachine = {
  id: "m1",
  protocol: "rfb",
  address: "10.0.0.7:5901",
  password: undefined,
  state: "running",
};

test("a machine runs, or does not, as its operator set it", async () => {
  assert.deepEqual(await manualDriver.check(machine), { running: true, protocols: ["rfb"] });
  assert.equal((await manualDriver.check({ ...machine, state: "stopped" })).running, false);
});

test("the upstream is the address on record, with the password where there is one", async () => {
  const address = { kind: "tcp", host: "10.0.0.7", port: 5901 };

  assert.deepEqual(await manualDriver.resolve(machine), { address });
  assert.deepEqual(await manualDriver.resolve({ ...machine, password: new Secret("geheim") }), {
    address,
    password: "geheim",
  });
});

test("what is demanded of the console goes with it, and an address is the name where no other is given", async () => {
  const clientKey = new Secret("key");
  const verify = { mode: "verify", ca: "ca", clientCertificate: "pem", clientKey } as const;
  const account = { username: "ute", password: new Secret("geheim") };
  const resolved = async (tls: DriverTls) => (await manualDriver.resolve({ ...machine, tls })).tls;

  assert.deepEqual(await manualDriver.resolve({ ...machine, ...account, tls: verify }), {
    address: { kind: "tcp", host: "10.0.0.7", port: 5901 },
    username: "ute",
    password: "geheim",
    tls: { mode: "verify", serverName: "10.0.0.7", ca: "ca", client: { certificate: "pem", key: "key" } },
  });
  assert.deepEqual(await resolved({ mode: "verify", serverName: "kvm", clientKey: undefined }), {
    mode: "verify",
    serverName: "kvm",
  });
  assert.deepEqual(await resolved({ mode: "pin", pin: "sha1:00", clientKey: undefined }), {
    mode: "pin",
    pin: "sha1:00",
  });
  assert.deepEqual(await resolved({ mode: "insecure", clientKey: undefined }), { mode: "insecure" });
});

test("a stopped machine is not resolved", async () => {
  await assert.rejects(manualDriver.resolve({ ...machine, state: "stopped" }), {
    code: "machine_not_running",
  });
});

test("an address is kept in one spelling", () => {
  assert.equal(manualDriver.parseAddress("KVM.example.com:5901"), "kvm.example.com:5901");
  assert.throws(() => manualDriver.parseAddress("nowhere"), /HOST:PORT/);
});
