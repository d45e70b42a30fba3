import assert from "node:assert/strict";
import { test } from "node:test";
import { type TestControl, testControl } from "../../../test/harness/control.ts";
import { onBoth } from "../../../test/harness/test-database.ts";
import { createChallenges } from "./challenges.ts";
import { createZoneReading } from "./zone-reading.ts";

async function read(control: TestControl, ownAddresses: readonly string[] = []) {
  return (await createZoneReading({ ...control, ownAddresses })()).now;
}

async function set(control: TestControl, settings: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, value] of Object.entries(settings))
    await control.services.settings.set(control.admin, name, value);
}

for (const t of onBoth(
  "a node has a name from when it registers until it is revoked or removed, up or down",
  async () => {
    await using control = await testControl();
    const { services, admin, link } = control;
    await set(control, { "consoleproxy.url.domain": "*.console.example" });
    const one = await control.node({ pageOrigin: "http://203.0.113.7:8080" });
    const two = await control.node({ pageOrigin: "https://[2001:db8::7]" });
    await control.node({ pageOrigin: "http://named.example.com" });
    const both = (await read(control))?.addresses;

    await services.nodes.drain(admin, two.id, { outcome: "stay" });
    await link.registry.deregister(one.id, { incarnation: one.incarnation });
    const down = (await read(control))?.addresses;
    await services.nodes.revoke(admin, two.id);
    const revoked = (await read(control))?.addresses;
    await services.nodes.remove(admin, one.id);

    assert.deepEqual(both, ["203.0.113.7", "2001:db8::7"]);
    assert.deepEqual(down, both);
    assert.deepEqual(revoked, ["203.0.113.7"]);
    assert.deepEqual((await read(control))?.addresses, []);
  },
))
  test(...t);

for (const t of onBoth(
  "the domain itself leads to nodes that take viewers, while there are any",
  async () => {
    await using control = await testControl();
    const { services, admin, link } = control;
    await set(control, { "consoleproxy.url.domain": "console.example" });
    const gone = await control.node({ pageOrigin: "http://203.0.113.1" });
    const draining = await control.node({ pageOrigin: "http://203.0.113.2" });
    const up = await control.node({ pageOrigin: "http://203.0.113.3" });
    await link.registry.deregister(gone.id, { incarnation: gone.incarnation });
    await services.nodes.drain(admin, draining.id, { outcome: "stay" });

    const { apex } = (await read(control)) ?? {};
    await link.registry.deregister(up.id, { incarnation: up.incarnation });
    await link.registry.deregister(draining.id, { incarnation: draining.incarnation });

    assert.deepEqual(apex, ["203.0.113.3"]);
    assert.deepEqual((await read(control))?.apex, ["203.0.113.1", "203.0.113.2", "203.0.113.3"]);
  },
))
  test(...t);

test("an address that a node has for TLS alone has its name as well", async () => {
  await using control = await testControl();
  await set(control, { "consoleproxy.url.domain": "*.console.example" });
  const secure = { pageOrigin: "https://203.0.113.8", webSocketOrigin: "https://203.0.113.8:8443" };

  await control.node({ pageOrigin: "http://203.0.113.7", secure });

  assert.deepEqual((await read(control))?.addresses, ["203.0.113.7", "203.0.113.8"]);
});

for (const t of onBoth("there is no zone without a domain; ranges are in it by a setting alone", async () => {
  await using control = await testControl();
  await control.services.publicIpRanges.add(control.admin, { range: "203.0.113.0/28" });

  const without = await read(control);
  await set(control, { "consoleproxy.url.domain": "console.example" });
  const unasked = await read(control);
  await set(control, { "dns.public.ranges": "true", "dns.caa": "letsencrypt.org" });
  const asked = await read(control);

  assert.equal(without, undefined);
  assert.deepEqual([unasked?.ranges, unasked?.issuers], [[], []]);
  assert.deepEqual(asked?.ranges, [{ first: "203.0.113.1", last: "203.0.113.14" }]);
  assert.deepEqual(asked?.issuers, ["letsencrypt.org"]);
}))
  test(...t);

for (const t of onBoth(
  "challenges stand side by side under a name, until each is removed or expires",
  async () => {
    await using control = await testControl();
    await set(control, { "consoleproxy.url.domain": "console.example" });
    const name = "_acme-challenge.console.example";
    const challenges = createChallenges(control);
    const texts = async () => (await read(control))?.texts.get(name);

    await challenges.add({ name, value: "one", lifetimeMs: 1000 });
    await challenges.add({ name: name.toUpperCase(), value: "two", lifetimeMs: 5000 });
    await challenges.add({ name, value: "two", lifetimeMs: 5000 });
    const both = await texts();
    control.clock.advance(1000);
    const later = await texts();
    await challenges.remove({ name, value: "two" });

    assert.deepEqual([both, later, await texts()], [["one", "two"], ["two"], undefined]);
    for (let count = 0; count < 16; count += 1)
      await challenges.add({ name, value: `${count}`, lifetimeMs: 1000 });
    await assert.rejects(challenges.add({ name, value: "more", lifetimeMs: 1000 }), /16 values/);
    await assert.rejects(challenges.add({ name, value: "x".repeat(256), lifetimeMs: 1000 }), /255 bytes/);
  },
))
  test(...t);

test("name servers are those that are named, or this replica", async () => {
  await using control = await testControl();
  await set(control, { "consoleproxy.url.domain": "console.example" });

  const own = (await read(control, ["192.0.2.1"]))?.nameServers;
  const servers = "ns1.console.example=192.0.2.53, ns2.other.example, ns1.console.example=2001:db8::53";
  await set(control, { "dns.name.servers": servers, "dns.contact": "a.b@example.com" });
  const named = await read(control);

  assert.deepEqual(own, [{ name: "ns.console.example", addresses: ["192.0.2.1"] }]);
  assert.deepEqual(named?.nameServers, [
    { name: "ns1.console.example", addresses: ["192.0.2.53", "2001:db8::53"] },
    { name: "ns2.other.example", addresses: [] },
  ]);
  assert.equal(named?.contact, "a.b@example.com");
});

test("the zone is printed for administrators, with the names of a range where one is asked for", async () => {
  await using control = await testControl();
  const { names } = control.services;
  const zone = async (range?: string) => await names.zone(control.admin, { range });
  await assert.rejects(zone(), { code: "request_invalid", detail: /consoleproxy\.url\.domain/ });
  await set(control, { "consoleproxy.url.domain": "*.console.example" });
  await assert.rejects(zone(), { code: "request_invalid", detail: /dns\.name\.servers/ });
  await set(control, { "dns.name.servers": "ns1.console.example=192.0.2.53", "dns.caa": "letsencrypt.org" });
  await control.node({ pageOrigin: "http://203.0.113.7" });

  const { domain, zone: text } = await zone("203.0.113.6-203.0.113.8");

  assert.equal(domain, "console.example");
  const times = "3600 600 604800 10";
  const serial = Math.floor(control.clock.now() / 1000);
  assert.deepEqual(text.split("\n"), [
    "$ORIGIN console.example.",
    "$TTL 60",
    `@ 3600 IN SOA ns1.console.example. hostmaster.console.example. ${serial} ${times}`,
    "@ 3600 IN NS ns1.console.example.",
    '@ 3600 IN CAA 0 issue "letsencrypt.org"',
    "@ IN A 203.0.113.7",
    "ns1.console.example. IN A 192.0.2.53",
    "203-0-113-7 IN A 203.0.113.7",
    "203-0-113-6 IN A 203.0.113.6",
    "203-0-113-8 IN A 203.0.113.8",
    "",
  ]);
  await assert.rejects(zone("10.0.0.0/15"), { code: "request_invalid", detail: /65536/ });
  await assert.rejects(zone("nonsense"), { code: "request_invalid", detail: /range/ });
  await assert.rejects(names.zone(await control.member("ann", [])), { code: "forbidden" });
});

for (const t of onBoth(
  "domains that nodes have certificates for are answered for, and for an hour after",
  async () => {
    await using control = await testControl();
    const startAnew = () => createZoneReading({ ...control, ownAddresses: [] });
    let readZones = startAnew();
    const node = await control.node({ pageOrigin: "http://203.0.113.7" });
    const certifiedFor = async (domain: string) => {
      const said = {
        certificate_id: "x",
        certificate_incarnation: node.incarnation,
        certificate_domain: domain,
      };
      await control.store.db.updateTable("nodes").set(said).where("id", "=", node.id).execute();
    };
    const before = async () => {
      const zones = await readZones();
      for (const { addresses } of zones.before) assert.deepEqual(addresses, ["203.0.113.7"]);
      return zones.before.map(({ domain }) => domain);
    };
    await set(control, { "consoleproxy.url.domain": "*.young.example" });

    await certifiedFor("*.old.example");
    assert.deepEqual(await before(), ["old.example"]);
    await certifiedFor("*.young.example");
    readZones = startAnew();
    assert.deepEqual(await before(), ["old.example"]);
    control.clock.advance(60 * 60 * 1000);
    assert.deepEqual(await before(), ["old.example"]);
    readZones = startAnew();
    assert.deepEqual(await before(), ["old.example"]);
    control.clock.advance(1);
    assert.deepEqual(await before(), []);

    for (const name of ["a", "b", "c", "d", "e"]) {
      await certifiedFor(`${name}.example`);
      await before();
      control.clock.advance(1000);
    }
    assert.deepEqual(
      await before(),
      ["e", "d", "c", "b"].map((name) => `${name}.example`),
    );
  },
))
  test(...t);

for (const t of onBoth(
  "a former domain is known to a control that is started anew, from the moment on that another one is set",
  async () => {
    await using control = await testControl();
    const startAnew = () => createZoneReading({ ...control, ownAddresses: [] });
    const node = await control.node({ pageOrigin: "http://203.0.113.7" });
    const certified = { certificate_id: "x", certificate_incarnation: node.incarnation };
    const certifiedFor = async (domain: string) => {
      const said = { ...certified, certificate_domain: domain };
      await control.store.db.updateTable("nodes").set(said).where("id", "=", node.id).execute();
    };
    const before = async (readZones = startAnew()) => (await readZones()).before.map(({ domain }) => domain);
    await set(control, { "consoleproxy.url.domain": "*.old.example" });
    await certifiedFor("*.old.example");
    const running = startAnew();
    assert.deepEqual(await before(running), []);

    // Nodes may have changed before anybody has read again.
    await set(control, { "consoleproxy.url.domain": "*.young.example" });
    await certifiedFor("*.young.example");
    assert.deepEqual(await before(running), ["old.example"]);

    assert.deepEqual(await before(), ["old.example"]);
    const settings = await control.services.settings.list(control.admin);
    assert.ok(!settings.some(({ name }) => name.startsWith("dns.former")));
    control.clock.advance(60 * 60 * 1000 + 1);
    assert.deepEqual(await before(), []);
    const row = control.store.db.updateTable("settings").where("name", "=", "dns.former.domains");
    for (const value of ["{", '["x"]', '{"x":"y"}']) {
      await row.set({ value }).execute();
      assert.deepEqual(await before(), [], value);
    }
  },
))
  test(...t);
