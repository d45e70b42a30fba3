import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import type { PowerAction } from "#hypervisors/driver.ts";
import { GatewayError } from "#wire/gateway-error.ts";
import { ACCOUNTS, startXapi } from "../harness/xapi/pool.ts";
import { driverOf, failed, lend, logins, pinOf, recordOf, refusal } from "./xapi-stage.ts";

const { signal } = new AbortController();
const TWO = ["127.0.0.1", "127.0.0.2"];

test("a host that is no master leads to the one that is, and the next sign-in goes there at once", async () => {
  await using pool = await startXapi({ hosts: TWO });
  pool.setMaster(1);
  const { uuid } = pool.add({ name: "web" });
  await using driver = driverOf(pool);

  assert.equal((await driver.find(uuid, signal))?.name, "web");

  assert.equal(pool.sessions("porthole").length, 1);
  assert.equal(await driver.identity(signal), `pool ${pool.uuid}`);
});

test("by a pin, the master to which its host leads is known by the certificate that the host says it has", async () => {
  await using pool = await startXapi({ hosts: TWO });
  pool.setMaster(1);
  const added = pool.add({ name: "web" });
  await using driver = driverOf(pool, { trust: { pin: await pinOf(pool, 0) } });

  assert.equal((await driver.list(signal)).length, 1);

  for (const index of [0, 1]) {
    pool.move(added, index);
    const { upstream, lease } = await lend(driver, added);
    assert.deepEqual(upstream.tls, { mode: "pin", pin: await pinOf(pool, index) });
    assert.ok(lease !== undefined);
    await driver.release?.(lease, signal);
  }
  await using other = driverOf(pool, { trust: { pin: await pinOf(pool, 0) } });
  const { lease } = await lend(driver, added);
  assert.ok(lease !== undefined);
  await other.release?.(lease, signal);
  assert.deepEqual(pool.sessions("porthole-console"), [], "given back by one that had never signed in");
});

test("a master to which we were led, and that is not the one that is trusted, is told nothing", async () => {
  await using pool = await startXapi({ hosts: TWO });
  pool.setMaster(1);
  pool.add({ name: "web" });
  const pin = await pinOf(pool, 0);
  await using driver = driverOf(pool, { trust: { pin } });
  const [certificate, { fingerprint_sha256 }] =
    pool.objects.all("Certificate").find(([, fields]) => fields["host"] === pool.hosts[1]?.ref) ??
    assert.fail();

  // Somebody else is at the master's place.
  pool.objects.set(certificate, { fingerprint_sha256: "AB".repeat(32) });
  assert.match(await failed(driver.list(signal)), /its certificate is not the one that is pinned/);
  assert.deepEqual(pool.calls.asked, []);
  // It was only its certificate that had changed, and by now it is on record.
  pool.objects.set(certificate, { fingerprint_sha256 });
  assert.equal((await driver.list(signal)).length, 1);
  // Of an authority's, nobody's word is taken instead.
  pool.objects.set(certificate, { fingerprint_sha256: "AB".repeat(32) });
  await using byAuthority = driverOf(pool);
  assert.equal((await byAuthority.list(signal)).length, 1);
  const { length } = pool.calls.asked;
  // XAPI before 24.1 does not say what certificate the master has.
  pool.saysThumbprint = false;
  await using older = driverOf(pool, { trust: { pin } });
  assert.match(await failed(older.list(signal)), /its certificate is not the one that is pinned/);
  assert.equal(pool.calls.asked.length, length);
});

test("a pool whose master has changed is found by its other hosts", async () => {
  await using pool = await startXapi({ hosts: TWO });
  pool.add({ name: "web" });
  await using driver = driverOf(pool);
  await driver.list(signal);

  pool.setMaster(1);

  assert.equal((await driver.list(signal)).length, 1);
});

test("a session that XAPI has ended is opened anew once; one that it ends again and again is an error", async () => {
  await using pool = await startXapi();
  pool.add({ name: "web" });
  await using driver = driverOf(pool);
  await driver.list(signal);

  pool.calls.sessions.clear();
  assert.equal((await driver.list(signal)).length, 1);
  assert.equal(logins(pool), 2);

  pool.answer = (method) =>
    method === "session.login_with_password" ? undefined : refusal("SESSION_INVALID", "OpaqueRef:7");
  assert.match(await failed(driver.list(signal)), /it ends the session as soon as it is opened/);
  assert.equal(logins(pool), 3);
  pool.answer = undefined;
});

test("a password that is refused is tried once, however many ask", async () => {
  await using pool = await startXapi();
  const { uuid } = pool.add({ name: "web" });
  await using driver = driverOf(pool, { secret: "falsch-9" });

  const errors = await Promise.all(Array.from({ length: 20 }, () => failed(driver.find(uuid, signal))));
  errors.push(await failed(driver.list(signal)));

  for (const error of errors) {
    assert.match(error, /credentials: it does not take the account and its password/);
    assert.doesNotMatch(error, /falsch-9/);
  }
  assert.equal(logins(pool), 1);
});

const ANSWERS: Readonly<Record<string, readonly [string, RegExp]>> = {
  "what is no JSON": ["<html>OpaqueRef:7</html>", /no JSON/],
  "another protocol": ['{"jsonrpc":"1.0","result":"OpaqueRef:7"}', /not answer as XAPI/],
  "no records": ['{"jsonrpc":"2.0","result":["OpaqueRef:7"]}', /list of machines is not as XAPI has it/],
  "a record without its fields": [
    '{"jsonrpc":"2.0","result":{"OpaqueRef:7":{"uuid":"x"}}}',
    /list of machines is not as XAPI has it/,
  ],
  "a reference with more in it": [
    '{"jsonrpc":"2.0","result":{"OpaqueRef:7\\r\\nX: y":{}}}',
    /list of machines is not as XAPI has it/,
  ],
  "an error of no form": ['{"jsonrpc":"2.0","error":{"message":"OpaqueRef:7"}}', /not answer as XAPI/],
  "more than may be": [`"${"x".repeat(2 * 1024 * 1024)}"`, /more than \d+ bytes/],
};

for (const [title, [answer, told]] of Object.entries(ANSWERS)) {
  test(`a XAPI that answers with ${title} is told of, without what it said`, async () => {
    await using pool = await startXapi();
    await using driver = driverOf(pool);
    await driver.identity(signal);

    pool.answer = (method) => (method === "session.logout" ? undefined : answer);
    const error = await failed(driver.find(randomUUID(), signal));
    pool.answer = undefined;

    assert.match(error, told);
    assert.doesNotMatch(error, /OpaqueRef/);
  });
}

test("a console is where its machine is, with a session of its own that the machine's host takes", async () => {
  await using pool = await startXapi({ hosts: TWO });
  const added = pool.add({ name: "web" });
  await using driver = driverOf(pool);

  pool.move(added, 1, true);
  const { upstream, lease } = await lend(driver, added);

  const { address, tls } = upstream;
  assert.ok(address.kind === "http-connect" && lease !== undefined);
  assert.equal(address.host, TWO[1], "not where it was before it moved");
  assert.equal(address.port, pool.port);
  assert.deepEqual(address.headers, { Cookie: `session_id=${lease.expose()}` });
  assert.ok(tls?.mode === "verify" && tls.serverName === TWO[1] && tls.ca === pool.authority.pem);
  assert.equal(pool.sessions("porthole-console").length, 1);
  await driver.release?.(lease, signal);
  await driver.release?.(lease, signal);
  assert.deepEqual(pool.sessions("porthole-console"), []);
});

test("a XAPI that answers with another machine than was asked for opens none", async () => {
  await using pool = await startXapi();
  const { uuid } = pool.add({ name: "web" });
  const other = pool.add({ name: "db" });
  await using driver = driverOf(pool);
  await driver.list(signal);
  const record = (ref: string) => ({ [ref]: pool.objects.get("VM", ref) });
  for (const result of [
    record(other.ref),
    { ...record(other.ref), ...record(pool.add({ name: "x" }).ref) },
  ]) {
    pool.answer = (method) =>
      method === "VM.get_all_records_where" ? JSON.stringify({ jsonrpc: "2.0", id: 0, result }) : undefined;

    assert.match(await failed(driver.find(uuid, signal)), /another machine than was asked for/);
  }
});

test("who only asks where a console is opens no session for it, and is told none", async () => {
  await using pool = await startXapi();
  const added = pool.add({ name: "web" });
  await using driver = driverOf(pool);

  const upstream = await driver.resolve(recordOf(added));

  assert.doesNotMatch(JSON.stringify(upstream), /session_id/);
  assert.equal(pool.sessions("porthole-console").length, 0);
});

test("by a pin, a console of another host is known by the certificate that the pinned one says it has", async () => {
  await using pool = await startXapi({ hosts: TWO });
  const added = pool.add({ name: "web" });
  pool.move(added, 1);
  await using driver = driverOf(pool, { trust: { pin: await pinOf(pool, 0) } });

  const { upstream } = await lend(driver, added);

  assert.deepEqual(upstream.tls, { mode: "pin", pin: await pinOf(pool, 1) });
});

test("a console that is said to be at a host of no pool is not opened, and no session is", async () => {
  await using pool = await startXapi();
  const added = pool.add({ name: "web" });
  await using driver = driverOf(pool);
  for (const location of ["https://198.51.100.7/console?uuid=x", "http://127.0.0.1/console", "", "x"]) {
    for (const [console] of pool.objects.all("console")) pool.objects.set(console, { location });

    assert.match(await failed(lend(driver, added)), /its console is said to be|location is none/);
  }
  assert.deepEqual(pool.sessions("porthole-console"), []);
});

test("a machine that stopped, and one that is gone, lends nothing", async () => {
  await using pool = await startXapi();
  const added = pool.add({ name: "web", state: "Halted" });
  await using driver = driverOf(pool);

  await assert.rejects(lend(driver, added), { code: "machine_not_running" });
  pool.objects.remove(added.ref);
  await assert.rejects(lend(driver, added), { code: "machine_gone" });
  assert.deepEqual(pool.sessions("porthole-console"), []);
});

test("an account that may look alone is told which right it lacks", async () => {
  await using pool = await startXapi();
  const { uuid } = pool.add({ name: "web" });
  await using driver = driverOf(pool, { username: "watcher", secret: ACCOUNTS.watcher.password });

  assert.match(
    await failed(driver.power(uuid, "cut", signal)),
    /rights: the account's role lacks the right to vm\.hard_shutdown/,
  );
  await assert.rejects(driver.power(uuid, "start", signal), GatewayError);
});

test("an order that does not fit the machine's state is refused as that", async () => {
  await using pool = await startXapi();
  const { uuid } = pool.add({ name: "web" });
  await using driver = driverOf(pool);

  await assert.rejects(driver.power(uuid, "start", signal), { code: "machine_not_running" });
  assert.deepEqual(pool.objects.all("task"), [], "and nothing is left of it");
});

test("each order is given as XAPI calls it, to a machine that is paused or suspended too", async () => {
  await using pool = await startXapi();
  const { uuid, ref } = pool.add({ name: "web" });
  await using driver = driverOf(pool);
  const given = async (state: string, action: PowerAction) => {
    pool.objects.set(ref, { power_state: state });
    const before = pool.calls.asked.length;
    await driver.power(uuid, action, signal);
    return pool.calls.asked.slice(before).filter((method) => method.startsWith("Async."));
  };

  for (const [state, action, method] of [
    ["Halted", "start", "start"],
    ["Paused", "start", "unpause"],
    ["Suspended", "start", "resume"],
    ["Running", "stop", "clean_shutdown"],
    ["Suspended", "cut", "hard_shutdown"],
    ["Running", "restart", "clean_reboot"],
    ["Paused", "reset", "hard_reboot"],
  ] as const)
    assert.deepEqual(await given(state, action), [`Async.VM.${method}`]);
  assert.deepEqual(pool.objects.all("task"), []);
});

test("hosts that lead to one another are followed one step far, and none is led to that has no name", async () => {
  await using pool = await startXapi({ hosts: TWO });
  await using driver = driverOf(pool);
  const lead = (to: string) => {
    pool.answer = () => refusal("HOST_IS_SLAVE", to);
  };

  for (const other of TWO) {
    lead(other);
    const before = logins(pool);
    await failed(driver.list(signal));
    assert.ok(logins(pool) - before <= 2 * TWO.length, "each host, and where it leads");
  }
  for (const nowhere of ["", "127.0.0.1/x", "a b", "ada@127.0.0.1", "127.0.0.1:1"]) {
    lead(nowhere);
    const before = logins(pool);
    await failed(driver.list(signal));
    assert.ok(logins(pool) - before <= TWO.length, nowhere);
  }
});

test("a machine whose guest has gone just as it is looked at is there all the same", async () => {
  await using pool = await startXapi();
  const { uuid } = pool.add({ name: "web", os: { distro: "debian" } });
  await using driver = driverOf(pool);
  assert.equal((await driver.find(uuid, signal))?.guest, "linux");

  for (const [metrics] of pool.objects.all("VM_guest_metrics")) pool.objects.remove(metrics);

  assert.deepEqual(await driver.find(uuid, signal), {
    ...{ address: uuid, name: "web", power: "running", guest: "unknown" },
  });
});

test("templates, snapshots and the hosts' own domains are no machines", async () => {
  await using pool = await startXapi();
  const { ref, uuid } = pool.add({ name: "web" });
  await using driver = driverOf(pool);
  for (const kind of ["is_a_template", "is_a_snapshot", "is_control_domain"]) {
    pool.objects.set(ref, { [kind]: true });
    assert.deepEqual(await driver.list(signal), []);
    assert.equal(await driver.find(uuid, signal), undefined);
    pool.objects.set(ref, { [kind]: false });
  }
});

test("where XAPI counts consoles, a machine takes one at a time, and is asked for by CONNECT in any case", async () => {
  await using pool = await startXapi();
  const added = pool.add({ name: "web" });
  await using driver = driverOf(pool, { query: "?consoles=websocket" });
  assert.equal((await driver.resolve(recordOf(added))).address.kind, "websocket");
  assert.equal((await driver.check(recordOf(added))).isExclusive, undefined);

  for (const [ref] of pool.objects.all("pool")) pool.objects.set(ref, { limit_console_sessions: true });

  assert.equal((await driver.resolve(recordOf(added))).address.kind, "http-connect");
  assert.equal((await driver.check(recordOf(added))).isExclusive, true);
});
