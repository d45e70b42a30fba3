import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { ProbeFailure } from "#base/process/probe/probe-failure.ts";
import type { CheckLine } from "#wire/self-check.ts";
import { selfCheckLimits } from "#wire/self-check.ts";
import { type TestControl, testControl } from "../../../test/harness/control.ts";
import { onBoth } from "../../../test/harness/test-database.ts";
import { lookFromControl } from "./from-control.ts";
import type { Names } from "./name-lines.ts";

const NOBODY: Names = {
  resolve: async () => {
    throw new ProbeFailure("name_unresolved");
  },
  nameServers: async () => {
    throw Object.assign(new Error("no such domain"), { code: "ENOTFOUND" });
  },
};

function look(
  control: TestControl,
  {
    names = {},
    ...options
  }: { readonly names?: Partial<Names>; readonly version?: string; readonly node?: string } = {},
) {
  const { version = "1.2.3", node: nodeId } = options;
  const parts = { ...control, publicOrigin: () => "http://192.0.2.1:8000", version };
  return lookFromControl({ ...parts, names: { ...NOBODY, ...names } }, { nodeId });
}

function found(lines: readonly CheckLine[], check: string): readonly string[] {
  return lines.filter((line) => line.check === check).map(({ finding }) => finding);
}

for (const t of onBoth("the database is asked, and its clock where it has one of its own", async () => {
  await using control = await testControl();

  const { lines } = await look(control);

  assert.match(found(lines, "control.database")[0] ?? "", /^(ok|database_slow)$/);
  assert.match(lines.find(({ check }) => check === "control.database")?.facts["took"] ?? "", /^\d+ ms$/);
  const isShared = control.store.transactionsAtOnce > 1;
  assert.notEqual(isShared, found(lines, "control.clock")[0] === "skipped_same_clock");
}))
  test(...t);

for (const t of onBoth("what control has of each node is told, with what to do", async () => {
  await using control = await testControl();
  const silent = await control.node({ pageOrigin: "http://192.0.2.11" });
  control.clock.advance(600_000);
  const good = await control.node({ pageOrigin: "http://192.0.2.12" });
  const drained = await control.node({ pageOrigin: "http://192.0.2.13" });
  await control.services.nodes.drain(control.admin, drained.id, { outcome: "stay" });
  const gone = await control.node({ pageOrigin: "http://192.0.2.14" });
  await control.link.registry.deregister(gone.id, { incarnation: gone.incarnation });
  const revoked = await control.node({ pageOrigin: "http://192.0.2.15" });
  await control.services.nodes.revoke(control.admin, revoked.id);

  const { lines, entrances } = await look(control);

  const links = lines.filter(({ check }) => check === "control.link");
  assert.deepEqual(Object.fromEntries(links.map(({ nodeId, finding }) => [nodeId, finding])), {
    [silent.id]: "link_down",
    [good.id]: "ok",
    [drained.id]: "link_draining",
    [gone.id]: "link_stopped",
    [revoked.id]: "link_refused",
  });
  assert.ok(links.every(({ result, remedy }) => result === "ok" || remedy !== undefined));
  assert.deepEqual(entrances.map(({ nodeId }) => nodeId).sort(), [good.id, drained.id].sort());
}))
  test(...t);

for (const t of onBoth(
  "a pool that machines are in and no node is, but for one that was revoked, is told",
  async () => {
    await using control = await testControl();
    for (const pool of ["north", "north", "south", "default"])
      await control.services.machines.add(control.admin, {
        ...{ name: randomUUID(), protocol: "rfb", address: "192.0.2.1:5900", pool },
      });
    const withoutAny = await look(control);
    await control.node();
    const tokenOf = async (pool: string) =>
      (await control.services.nodes.addJoinToken(control.admin, { pool })).token;
    const revoked = await control.node({ joinToken: await tokenOf("north") });
    await control.services.nodes.revoke(control.admin, revoked.id);
    const stopped = await control.node({ joinToken: await tokenOf("south") });
    await control.link.registry.deregister(stopped.id, { incarnation: stopped.incarnation });

    const { lines } = await look(control);

    const told = lines.filter(({ check }) => check === "control.pool");
    assert.deepEqual(
      told.map(({ subject, result, facts }) => [subject, result, facts["machines"]]),
      [["north", "failed", "2"]],
    );
    assert.deepEqual(found(withoutAny.lines, "control.pool"), []);
    assert.deepEqual(found((await look(control, { node: stopped.id })).lines, "control.pool"), []);
  },
))
  test(...t);

test("a node of another version than control's is told", async () => {
  await using control = await testControl();
  await control.node();

  const { lines } = await look(control, { version: "2.0.0" });

  assert.deepEqual(found(lines, "control.link"), ["link_version"]);
});

for (const t of onBoth("with sslEnabled a node that has not said it serves TLS is told", async () => {
  await using control = await testControl();
  await control.node({ secure: { pageOrigin: "https://192.0.2.1", webSocketOrigin: "https://192.0.2.1" } });

  const before = await look(control);
  await control.services.settings.set(control.admin, "consoleproxy.sslEnabled", "true");
  const after = await look(control);

  assert.deepEqual(found(before.lines, "control.certificate"), ["skipped_plain"]);
  assert.deepEqual(found(after.lines, "control.certificate"), ["certificate_missing"]);
}))
  test(...t);

test("a node behind what ends TLS for it is not told to have no TLS", async () => {
  await using control = await testControl();
  await control.node({ pageOrigin: "https://console.example.com" });

  assert.deepEqual(found((await look(control)).lines, "control.certificate"), ["skipped_tls_ahead"]);
});

test("names are looked up once each, and one that leads elsewhere is told beside where it should", async () => {
  await using control = await testControl();
  await control.services.settings.set(control.admin, "consoleproxy.url.domain", "*.console.example");
  await control.node({ pageOrigin: "http://192.0.2.7:8080" });
  await control.node({ pageOrigin: "http://192.0.2.8:8080" });
  const asked: string[] = [];
  const names = {
    resolve: async (name: string) => {
      asked.push(name);
      return ["192.0.2.7"];
    },
    nameServers: async () => ["ns1.console.example"],
  };

  const { lines, entrances, addresses } = await look(control, { names });

  const named = lines.filter(({ check }) => check === "control.name");
  assert.deepEqual(
    named.map(({ subject, finding, facts }) => [subject, finding, facts["own"]]),
    [
      ["192-0-2-7.console.example", "ok", "192.0.2.7"],
      ["192-0-2-8.console.example", "name_elsewhere", "192.0.2.8"],
    ],
  );
  assert.deepEqual(asked.sort(), ["192-0-2-7.console.example", "192-0-2-8.console.example", "192.0.2.1"]);
  assert.deepEqual(
    entrances.map(({ addresses: known }) => known),
    [["192.0.2.7"], ["192.0.2.7"]],
  );
  assert.deepEqual(addresses, ["192.0.2.7"]);
  assert.deepEqual(found(lines, "control.domain"), ["ok"]);
});

test("a domain is told as delegated elsewhere, or nowhere", async () => {
  await using control = await testControl();
  const domainOf = async (names: Partial<Names>) =>
    found((await look(control, { names })).lines, "control.domain");
  const nameServers = async () => ["ns.registrar.example"];

  assert.deepEqual(await domainOf({}), ["skipped_no_domain"]);
  await control.services.settings.set(control.admin, "consoleproxy.url.domain", "*.console.example");
  assert.deepEqual(await domainOf({}), ["skipped_not_delegated"]);
  assert.deepEqual(await domainOf({ nameServers }), ["ok"]);
  await control.services.settings.set(control.admin, "dns.name.servers", "ns1.console.example=192.0.2.53");
  assert.deepEqual(await domainOf({ nameServers }), ["domain_elsewhere"]);
  assert.deepEqual(await domainOf({}), ["domain_not_delegated"]);
});

test("of more nodes than one run looks at, those that are away come first, and the rest is told as left out", async () => {
  await using control = await testControl();
  for (let count = 0; count < 7; count++) await control.node({ pageOrigin: `http://192.0.2.${count + 1}` });
  control.clock.advance(600_000);
  for (let count = 0; count < selfCheckLimits.nodes; count++)
    await control.node({ pageOrigin: `http://198.51.100.${count + 1}` });
  const last = await control.node({ pageOrigin: "http://203.0.113.1" });

  const { lines } = await look(control);
  const one = await look(control, { node: last.id });

  const links = found(lines, "control.link");
  assert.equal(links.filter((finding) => finding === "link_down").length, 5);
  assert.equal(links.length, selfCheckLimits.nodes + 1);
  assert.equal(
    lines.find(({ finding }) => finding === "skipped_left_out")?.facts["left out"],
    `8 / ${7 + selfCheckLimits.nodes + 1}`,
  );
  assert.deepEqual(
    one.entrances.map(({ nodeId }) => nodeId),
    [last.id],
  );
});

test("of many nodes one that could not load its certificate has its turn", async () => {
  await using control = await testControl();
  for (let count = 0; count < selfCheckLimits.nodes; count++)
    await control.node({ pageOrigin: `http://198.51.100.${count + 1}` });
  const last = await control.node({ pageOrigin: "http://203.0.113.1" });
  await control.store.db
    .updateTable("nodes")
    .set({ certificate_incarnation: last.incarnation, certificate_problem: "key does not fit" })
    .where("id", "=", last.id)
    .execute();

  const { lines } = await look(control);

  const refused = lines.find(({ finding }) => finding === "certificate_refused");
  assert.equal(refused?.nodeId, last.id);
});

test("a resolver that is silent is not asked for every name", async () => {
  await using control = await testControl();
  await control.services.settings.set(control.admin, "consoleproxy.url.domain", "*.console.example");
  for (let count = 1; count <= 9; count++) await control.node({ pageOrigin: `http://192.0.2.${count}` });
  let asked = 0;
  const resolve = async (name: string) => {
    if (!name.startsWith("192-")) return [name];
    asked += 1;
    throw new ProbeFailure("resolver_silent");
  };

  const { lines } = await look(control, { names: { resolve } });

  assert.ok(asked <= 3, `${asked} were asked for`);
  const names = found(lines, "control.name");
  assert.equal(names.length, 9);
  assert.deepEqual(new Set(names), new Set(["resolver_silent", "skipped_earlier"]));
});
