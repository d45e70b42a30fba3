import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { test } from "node:test";
import { Check } from "typebox/schema";
import { SelfCheck, selfCheckLimits } from "#wire/self-check.ts";
import type { TestNode } from "../../../../test/harness/control.ts";
import { eventually } from "../../../../test/harness/eventually.ts";
import type { LinkClient } from "../../../../test/harness/link-client.ts";
import { nodeClient, type OpenLink, openLink } from "../../../../test/harness/open-link.ts";
import { onBoth } from "../../../../test/harness/test-database.ts";

const LINE = {
  check: "node.page",
  subject: "http://n.example",
  finding: "hairpin",
  facts: { reason: "x" },
} as const;

for (const t of onBoth(
  "a node is told once for all who ask at about the same time, and all hear what it found",
  async () => {
    await using at = await openNode();
    await at.link.control.machine({ name: "one", address: "192.0.2.10:5900", password: "hunter22" });
    await at.link.control.machine({ name: "two", address: "192.0.2.10:5901" });
    await at.link.control.machine({ name: "three", address: "192.0.2.11:5900" });

    const asking = [at.look(), at.look()];
    const command = await at.told(1, { looks: true });
    await at.answer(command.body.run);
    const found = await Promise.all(asking);

    assert.equal(command.call, "check");
    assert.ok(!JSON.stringify(command.body).includes("hunter22"), "no password is told");
    assert.deepEqual(
      command.body.screens.map(({ address }: { address: { host: string } }) => address.host),
      ["192.0.2.10", "192.0.2.11"],
      "one screen of each hypervisor",
    );
    for (const { lines, entrances } of found) {
      assert.deepEqual(
        lines.map(({ nodeId, finding, result }) => [nodeId, finding, result]),
        [[at.node.id, "hairpin", "warning"]],
      );
      assert.equal(entrances[0]?.token, command.body.token);
    }
    assert.equal(at.client.commanded, 1);
  },
))
  test(...t);

for (const t of onBoth(
  "a hypervisor that cannot be asked keeps no other's screen from being looked at",
  async () => {
    await using at = await openNode();
    const { control } = at.link;
    const host = { name: "gone", platform: "libvirt", address: "test:///x?socket=/nonesuch" } as const;
    const rules = [{ name: "*", project: "default" }];
    const { id } = await control.services.hypervisors.add(control.admin, { ...host, rules });
    const lost = { name: "lost", address: randomUUID(), power: "running", guest: "unknown" } as const;
    await control.inventory.takeAll(id, [lost]);
    await control.machine({ name: "one", address: "192.0.2.10:5900" });

    const asking = at.look();
    const command = await at.told(1, { looks: true });
    await at.answer(command.body.run);
    await asking;

    assert.deepEqual(
      command.body.screens.map(({ machine }: { machine: string }) => machine),
      ["one"],
    );
  },
))
  test(...t);

for (const t of onBoth(
  "what a node says of another run than the last is not taken for its answer",
  async () => {
    await using at = await openNode();

    const asking = at.look();
    const command = await at.told(1, { looks: true });
    await at.client.ask("checked", {
      incarnation: at.node.incarnation,
      run: "another-run-of-old",
      lines: [{ ...LINE, finding: "page_other" }],
    });
    const kept = await at.link.control.store.db.selectFrom("node_checks").select("lines").execute();
    assert.deepEqual(
      kept.map(({ lines }) => lines),
      [null],
    );
    await at.answer(command.body.run);

    assert.deepEqual(
      (await asking).lines.map(({ finding }) => finding),
      ["hairpin"],
    );
  },
))
  test(...t);

test("a node of an older version is told as such, and one that is busy too", async () => {
  for (const [answer, finding] of [
    [{ error: { code: "not_found", detail: "command" } }, "skipped_node_older"],
    [{ body: { looks: false } }, "check_busy"],
  ] as const) {
    await using at = await openNode();

    const asking = at.look();
    const [command] = await at.client.commands(1);
    at.client.socket.send(JSON.stringify([{ id: command?.id, ...answer }]));

    const { lines } = await asking;
    assert.deepEqual(
      lines.map((line) => line.finding),
      [finding],
    );
  }
});

test("what a newer node found is told as far as this version has words for it", async () => {
  await using at = await openNode();

  const asking = at.look();
  const command = await at.told(1, { looks: true });
  await at.answer(command.body.run, [{ check: "node.weather", finding: "rain" }]);

  const [line] = (await asking).lines;
  assert.deepEqual([line?.check, line?.finding, line?.result], ["node.weather", "rain", "warning"]);
  assert.match(line?.message ?? "", /newer version/);
});

test("of more hypervisors than one run tries each has its turn, and what is left out is told", async () => {
  await using at = await openNode();
  const hosts = Array.from({ length: 24 }, (_, index) => `192.0.2.${index + 1}`);
  for (const [index, host] of hosts.entries())
    await at.link.control.machine({ name: `guest ${index}`, address: `${host}:5900` });
  const tried = new Set<string>();

  // Of 24 a run leaves out 4: that 60 of them leave out the same one does not come about.
  for (let run = 1; tried.size < hosts.length && run <= 60; run++) {
    const asking = at.look();
    const command = await at.told(run, { looks: true });
    for (const { address } of command.body.screens) tried.add(address.host);
    await at.answer(command.body.run);
    const { lines } = await asking;
    const left = lines.find(({ finding }) => finding === "skipped_more_hypervisors");
    assert.deepEqual([left?.subject, left?.facts["left out"]], ["default", "4"]);
    await at.link.control.store.db.deleteFrom("node_checks").execute();
  }

  assert.equal(tried.size, hosts.length);
});

test("of one replica so many at once have nodes look, and who asks control alone does not wait for them", async () => {
  await using at = await openNode();
  const { services, admin } = at.link.control;

  const asking = Array.from({ length: 8 }, () => at.look());
  await assert.rejects(at.look(), { code: "rate_limited" });
  const { lines } = await services.selfChecks.control(admin);
  const command = await at.told(1, { looks: true });
  await at.answer(command.body.run);
  await Promise.all(asking);
  const { lines: after } = await at.look();

  assert.ok(lines.some(({ check }) => check === "control.link"));
  assert.deepEqual(
    after.map(({ finding }) => finding),
    ["hairpin"],
  );
});

test("a node speaks for itself alone: what control and clients see is not for it to say", async () => {
  await using at = await openNode();

  const asking = at.look();
  const command = await at.told(1, { looks: true });
  const lies = ["control.link", "client.tls", "nodes"].map((check) => ({ ...LINE, check, finding: "ok" }));
  await at.answer(command.body.run, [...lies, LINE]);

  assert.deepEqual(
    (await asking).lines.map(({ check }) => check),
    [LINE.check],
  );
});

test("a line with as many facts as there may be is read by those who asked", async () => {
  await using at = await openNode();

  const asking = at.look();
  const command = await at.told(1, { looks: true });
  const facts = Object.fromEntries(
    Array.from({ length: selfCheckLimits.facts }, (_, index) => [`fact ${index}`, "x"]),
  );
  await at.answer(command.body.run, [{ ...LINE, facts }]);

  assert.ok(Check(SelfCheck, await asking));
});

test("a node says no more than is bounded", async () => {
  await using at = await openNode();

  const asking = at.look();
  const command = await at.told(1, { looks: true });
  const refused = await at.answer(
    command.body.run,
    Array.from({ length: 65 }, () => LINE),
  );
  await at.answer(command.body.run);

  assert.equal(refused.error?.code, "request_invalid");
  assert.equal((await asking).lines.length, 1);
});

interface OpenNode extends AsyncDisposable {
  readonly link: OpenLink;
  readonly node: TestNode;
  readonly client: LinkClient;
  look(): Promise<SelfCheck>;
  /** Answers the command with this number, and resolves to it. */
  told(number: number, body: object): Promise<Awaited<ReturnType<LinkClient["commands"]>>[number]>;
  answer(run: string, lines?: readonly object[]): ReturnType<LinkClient["ask"]>;
}

async function openNode(): Promise<OpenNode> {
  const link = await openLink();
  const node = await link.control.node();
  const client = await nodeClient(link, node);
  await client.ask("heartbeat", { incarnation: node.incarnation, sessions: 0 });
  return {
    link,
    node,
    client,
    look: async () => await link.control.services.selfChecks.nodes(link.control.admin),
    async told(number, body) {
      const command = await eventually(async () => {
        const found = (await client.commands(number))[number - 1];
        assert.ok(found !== undefined);
        return found;
      });
      client.socket.send(JSON.stringify([{ id: command.id, body }]));
      return command;
    },
    answer: async (run, lines = [LINE]) =>
      await client.ask("checked", { incarnation: node.incarnation, run, lines }),
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]();
      await link[Symbol.asyncDispose]();
    },
  };
}
