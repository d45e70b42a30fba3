import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import type { WantedAddress } from "#wire/link.ts";
import {
  type OneControl,
  type TestControl,
  testControl,
  testReplicas,
} from "../../../test/harness/control.ts";
import { lackingPostgres } from "../../../test/harness/postgres.ts";
import { onBoth } from "../../../test/harness/test-database.ts";

const IPV4: WantedAddress = { scheme: "http", pagePort: 80, webSocketPort: 8080, families: ["ipv4"] };
const BOTH: WantedAddress = { ...IPV4, families: ["ipv4", "ipv6"] };
const ALONE = { sharesAddress: false } as const;

for (const t of onBoth(
  "nodes without an address are given one each, lowest first, under their ports",
  async () => {
    await using control = await testControl();
    await add(control, "203.0.113.7-203.0.113.8");

    const [one, two] = [await ask(control), await ask(control)];

    assert.deepEqual(one.settings.given, {
      pageOrigin: "http://203.0.113.7",
      webSocketOrigin: "http://203.0.113.7:8080",
    });
    assert.equal(two.settings.given?.pageOrigin, "http://203.0.113.8");
    const listed = await control.services.nodes.list(control.admin);
    assert.deepEqual(
      listed.map(({ id, pageOrigin, givenAddress }) => [id, pageOrigin, givenAddress]),
      [
        [one.id, "http://203.0.113.7", "203.0.113.7"],
        [two.id, "http://203.0.113.8", "203.0.113.8"],
      ],
    );
    const [range] = await control.services.publicIpRanges.list(control.admin);
    assert.deepEqual([range?.used, range?.size], [2, 2]);
  },
))
  test(...t);

for (const t of onBoth(
  "the address that a node was given is in its links, under the wildcard domain as a name",
  async () => {
    await using control = await testControl();
    await add(control, "203.0.113.7");
    const node = await ask(control);
    const { id: machineId } = await control.machine();
    const open = async () => {
      const { url, websocket } = await control.services.consoles.open(control.admin, {
        machineId,
        api: "native",
      });
      return [new URL(url).origin, `${websocket.host}:${websocket.port}`];
    };

    assert.deepEqual(await open(), ["http://203.0.113.7", "203.0.113.7:8080"]);
    await control.services.settings.set(control.admin, "consoleproxy.url.domain", "*.example.com");
    assert.deepEqual(await open(), ["http://203-0-113-7.example.com", "203-0-113-7.example.com:8080"]);

    const { settings } = await control.link.registry.heartbeat(node.id, {
      incarnation: node.incarnation,
      sessions: 0,
    });
    assert.deepEqual(settings.given?.pageOrigin, "http://203.0.113.7");
    assert.deepEqual(settings.found, {
      pageOrigin: "http://203-0-113-7.example.com",
      webSocketOrigin: "http://203-0-113-7.example.com:8080",
    });
  },
))
  test(...t);

for (const t of onBoth(
  "a node that starts again has the address that it had, though a lower one is free",
  async () => {
    await using control = await testControl();
    await add(control, "203.0.113.7-203.0.113.9");
    const [one, two] = [await ask(control), await ask(control)];
    await control.link.registry.deregister(two.id, { incarnation: two.incarnation });
    await control.link.registry.deregister(one.id, { incarnation: one.incarnation });
    await control.services.nodes.remove(control.admin, one.id);

    assert.equal(await restart(control, two.id), "http://203.0.113.8");
    assert.equal((await ask(control)).settings.given?.pageOrigin, "http://203.0.113.7", "it was given back");
  },
))
  test(...t);

for (const t of onBoth(
  "an address is kept for its node while that is down or revoked, and free when it is removed",
  async () => {
    await using control = await testControl();
    await add(control, "203.0.113.7");
    const node = await ask(control);
    const { nodes, audit } = control.services;
    const claim = { ...ALONE, pageOrigin: "http://203.0.113.7" };
    const exhausted = {
      code: "no_public_address",
      detail: "all public addresses of the pool default are given",
    };
    await control.link.registry.deregister(node.id, { incarnation: node.incarnation });

    await assert.rejects(ask(control), exhausted);
    await assert.rejects(control.node(claim), { code: "address_taken" });
    await nodes.revoke(control.admin, node.id);
    await assert.rejects(ask(control), exhausted);
    await nodes.remove(control.admin, node.id);

    assert.equal((await ask(control)).settings.given?.pageOrigin, "http://203.0.113.7");
    const { items } = await audit.list(control.admin, { action: "node.remove" });
    assert.deepEqual(
      items.map(({ detail }) => detail),
      ["gives back 203.0.113.7"],
    );
    const registered = await audit.list(control.admin, { action: "node.register" });
    assert.equal(registered.items[0]?.detail, "version 1.2.3, given 203.0.113.7");
  },
))
  test(...t);

for (const t of onBoth(
  "a node that comes back with an address of its own gives back what it was given",
  async () => {
    await using control = await testControl();
    await add(control, "203.0.113.7");
    const node = await ask(control);

    const { settings } = await control.link.registry.register(node.id, {
      incarnation: randomUUID(),
      version: "1",
      pageOrigin: "http://198.51.100.1",
      webSocketOrigin: "http://198.51.100.1",
    });

    assert.equal(settings.given, undefined);
    assert.equal((await ask(control)).settings.given?.pageOrigin, "http://203.0.113.7");
  },
))
  test(...t);

for (const t of onBoth("what a node says that it has by itself is not given to another one", async () => {
  await using control = await testControl();
  await add(control, "203.0.113.7-203.0.113.8");
  await control.node({ ...ALONE, pageOrigin: "http://203.0.113.7:9000" });

  assert.equal((await ask(control)).settings.given?.pageOrigin, "http://203.0.113.8");
}))
  test(...t);

for (const t of onBoth(
  "a pool gives of its own ranges alone, in the order in which it got them",
  async () => {
    await using control = await testControl();
    await add(control, "203.0.113.9");
    control.clock.advance(1);
    await add(control, "203.0.113.1");
    await add(control, "198.51.100.1", "north");
    const { token: joinToken } = await control.services.nodes.addJoinToken(control.admin, { pool: "north" });
    const south = await control.services.nodes.addJoinToken(control.admin, { pool: "south" });

    const origins = [await ask(control), await ask(control), await ask(control, { joinToken })].map(
      ({ settings }) => settings.given?.pageOrigin,
    );

    assert.deepEqual(origins, ["http://203.0.113.9", "http://203.0.113.1", "http://198.51.100.1"]);
    await assert.rejects(ask(control, { joinToken: south.token }), {
      code: "no_public_address",
      detail: "the pool south has no public IP range",
    });
  },
))
  test(...t);

for (const t of onBoth("a node is given an address of a family that it listens on", async () => {
  await using control = await testControl();
  await add(control, "2001:db8::/64");

  await assert.rejects(ask(control), {
    code: "no_public_address",
    detail: "the pool default has no public IP range of ipv4, which it listens on",
  });
  const node = await ask(control, { wantedAddress: BOTH });
  assert.equal(node.settings.given?.webSocketOrigin, "http://[2001:db8::1]:8080");
  await add(control, "203.0.113.7");

  assert.equal(await restart(control, node.id), "http://203.0.113.7", "it listens on IPv4 alone now");
}))
  test(...t);

for (const t of onBoth(
  "a range is not taken away while a node has an address of it, and it is said which",
  async () => {
    await using control = await testControl();
    const { id } = await add(control, "203.0.113.0/28");
    const { publicIpRanges, nodes } = control.services;
    const users = [await ask(control), await ask(control), await ask(control), await ask(control)];
    const [first] = users;

    await assert.rejects(publicIpRanges.remove(control.admin, id), {
      code: "conflict",
      detail: new RegExp(
        `addresses of it: 203\\.0\\.113\\.1 \\(node ${first?.id}\\), .* and 1 more; remove them`,
      ),
    });
    assert.equal((await publicIpRanges.list(control.admin)).length, 1);
    for (const { id: nodeId, incarnation } of users) {
      await control.link.registry.deregister(nodeId, { incarnation });
      await nodes.remove(control.admin, nodeId);
    }
    await publicIpRanges.remove(control.admin, id);

    assert.deepEqual(await publicIpRanges.list(control.admin), []);
    await assert.rejects(publicIpRanges.remove(control.admin, id), { code: "not_found" });
    await assert.rejects(ask(control), { code: "no_public_address" });
  },
))
  test(...t);

for (const t of onBoth("an address is in one range, of whichever pool, and a range is one", async () => {
  await using control = await testControl();
  await add(control, "203.0.113.0/28", "north");

  for (const range of ["203.0.113.14-203.0.113.20", "203.0.113.7", "203.0.0.0/16"])
    await assert.rejects(add(control, range), {
      code: "conflict",
      detail: "203.0.113.1-203.0.113.14 of the pool north overlaps",
    });
  await assert.rejects(add(control, "203.0.113.7/28"), {
    code: "request_invalid",
    detail: /^range: the address goes on behind/,
  });
  await add(control, "203.0.113.15-203.0.113.20");
}))
  test(...t);

for (const t of onBoth("there are 256 ranges at most", async () => {
  await using control = await testControl();
  const { db } = control.store;
  const rows = Array.from({ length: 255 }, (_, index) => {
    const key = `0a00${index.toString(16).padStart(4, "0")}`;
    return { id: randomUUID(), pool: "default", first_key: `4${key}`, last_key: `4${key}`, created_at: 1 };
  });
  await db.insertInto("public_ip_ranges").values(rows).execute();

  await add(control, "203.0.113.7");

  await assert.rejects(add(control, "203.0.113.8"), { code: "limit_reached" });
}))
  test(...t);

for (const t of onBoth(
  "of many nodes that ask at once each gets another address, and as many as there are",
  async () => {
    await using control = await testControl();
    await add(control, "203.0.113.0/29");

    const asked = await Promise.allSettled(Array.from({ length: 10 }, async () => await ask(control)));

    const given = asked.flatMap((each) => (each.status === "fulfilled" ? [each.value.settings.given] : []));
    assert.equal(new Set(given.map((each) => each?.pageOrigin)).size, 6);
    assert.equal(given.length, 6);
    for (const each of asked)
      if (each.status === "rejected") assert.equal(each.reason.code, "no_public_address");
  },
))
  test(...t);

test("nodes that ask of three replicas at once get each another address, while a range is taken away", {
  skip: lackingPostgres,
}, async () => {
  await using replicas = await testReplicas(3);
  const [first] = replicas.replicas;
  assert.ok(first !== undefined);
  const { id } = await add(first, "198.51.100.0/30");
  first.clock.advance(1);
  await add(first, "203.0.113.0/28");

  const [removed, ...asked] = await Promise.allSettled([
    replicas.replicas[2]?.services.publicIpRanges.remove(first.admin, id),
    ...Array.from({ length: 14 }, async (_, index) => await ask(replicas.replicas[index % 3] ?? first)),
  ]);

  const nodes = await first.services.nodes.list(first.admin);
  const given = nodes.flatMap(({ givenAddress }) => givenAddress ?? []);
  assert.equal(new Set(given).size, given.length, "none was given twice");
  assert.equal(given.length, asked.filter(({ status }) => status === "fulfilled").length);
  const ofRange = given.filter((address) => address.startsWith("198."));
  // Either it went before anybody had an address of it, or it stays.
  assert.equal(removed?.status === "fulfilled", ofRange.length === 0);
  assert.equal((await first.services.publicIpRanges.list(first.admin)).length, ofRange.length === 0 ? 1 : 2);
  assert.equal(given.length, 14);
});

for (const t of onBoth(
  "a node that says neither where it is nor that it wants an address is refused",
  async () => {
    await using control = await testControl();

    await assert.rejects(control.node({ pageOrigin: "" }), {
      code: "request_invalid",
      detail: /^pageOrigin: /,
    });
  },
))
  test(...t);

async function add(control: OneControl, range: string, pool?: string) {
  const wanted = { range, ...(pool === undefined ? {} : { pool }) };
  return await control.services.publicIpRanges.add(control.admin, wanted);
}

async function ask(control: OneControl, options: Parameters<TestControl["node"]>[0] = {}) {
  return await control.node({ pageOrigin: "", sharesAddress: false, wantedAddress: IPV4, ...options });
}

/** Resolves to the origin that the new start is given. */
async function restart(control: OneControl, nodeId: string): Promise<string | undefined> {
  const { settings } = await control.link.registry.register(nodeId, {
    incarnation: randomUUID(),
    version: "1",
    pageOrigin: "",
    webSocketOrigin: "",
    wantedAddress: IPV4,
  });
  return settings.given?.pageOrigin;
}
