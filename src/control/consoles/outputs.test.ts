import assert from "node:assert/strict";
import { test } from "node:test";
import { GatewayError } from "#wire/gateway-error.ts";
import type { LinkCommand } from "#wire/link.ts";
import { testControl } from "../../../test/harness/control.ts";
import { openLine, whileAnswering } from "../../../test/harness/open-line.ts";
import { onBoth } from "../../../test/harness/test-database.ts";

const SAID = "Linux version 6.1\nlogin: ";

/** Control and a node that has a line open, and answers so. */
async function world(answer: (body: unknown) => unknown = () => ({ output: SAID })) {
  const control = await testControl();
  const node = await control.node();
  const line = await openLine(control, node);
  const asked: unknown[] = [];
  const read = async (caller = control.admin, machineId = line.machine.id) =>
    await whileAnswering(
      { control, node },
      (command: LinkCommand, body) => {
        if (command !== "output") throw new GatewayError("not_found");
        asked.push(body);
        return answer(body);
      },
      control.services.consoleOutputs.read(caller, machineId),
    );
  const rows = async () => await control.store.db.selectFrom("console_outputs").selectAll().execute();
  return { control, node, line, asked, read, rows };
}

for (const t of onBoth(
  "what a line has said is asked of the node that has it, and is kept nowhere afterwards",
  async () => {
    const { control, node, line, asked, read, rows } = await world();
    await using _ = control;

    assert.equal(await read(), SAID);

    assert.deepEqual(asked, [{ incarnation: node.incarnation, machineId: line.machine.id }]);
    assert.deepEqual(await rows(), []);
    const { items } = await control.services.audit.list(control.admin, { action: "machine.output" });
    assert.deepEqual(
      items.map(({ object }) => object?.id),
      [line.machine.id],
    );
    await read();
    const again = await control.services.audit.list(control.admin, { action: "machine.output" });
    assert.equal(again.items.length, 1, "one row in an hour");
  },
))
  test(...t);

for (const t of onBoth("what a node has answered stands in the database sealed", async () => {
  let kept = "";
  const { control, read, rows } = await world();
  await using _ = control;
  const { db } = control.store;

  const reading = read();
  // It is read by looking again and again, so there is a time in which it is there.
  while (kept === "") {
    const [row] = await db.selectFrom("console_outputs").select("output_sealed").execute();
    kept = row?.output_sealed ?? "";
    await new Promise((resolve) => setImmediate(resolve));
  }

  assert.equal(await reading, SAID);
  assert.ok(!kept.includes("Linux"), kept);
  assert.deepEqual(await rows(), []);
}))
  test(...t);

for (const t of onBoth(
  "of a crowd that asks at once, whoever comes while the node is being asked shares the answer",
  async () => {
    const { control, asked, node, line } = await world();
    await using _ = control;
    const reads = Array.from({ length: 20 }, () =>
      control.services.consoleOutputs.read(control.admin, line.machine.id),
    );

    const outputs = await whileAnswering(
      { control, node },
      (command, body) => {
        if (command !== "output") throw new GatewayError("not_found");
        asked.push(body);
        return { output: SAID };
      },
      Promise.all(reads),
    );

    assert.deepEqual(new Set(outputs), new Set([SAID]));
    assert.ok(asked.length < reads.length, `${asked.length}`);
  },
))
  test(...t);

for (const t of onBoth("a line that nobody has open is told as that", async () => {
  const { control, line, asked, read } = await world();
  await using _ = control;
  const other = await control.machine({ serialAddress: "192.0.2.10:4002" });

  await assert.rejects(read(control.admin, other.id), { code: "line_closed" });
  await line.end();
  await assert.rejects(read(), { code: "line_closed" });

  assert.deepEqual(asked, []);
}))
  test(...t);

for (const [title, answer] of [
  ["a node that has it no more", () => ({})],
  [
    "a node of an older version, which knows no such question",
    () => {
      throw new GatewayError("not_found");
    },
  ],
] as const)
  for (const t of onBoth(`so is one of ${title}`, async () => {
    const { control, read, rows } = await world(answer);
    await using _ = control;

    await assert.rejects(read(), { code: "line_closed" });

    assert.deepEqual(await rows(), []);
  }))
    test(...t);

for (const t of onBoth(
  "a machine without a line has none, one that is stopped does not run, and another's is not there",
  async () => {
    const { control, line, asked, read } = await world();
    await using _ = control;
    const screen = await control.machine();
    const outsider = await control.member("outsider", []);

    await assert.rejects(read(control.admin, screen.id), { code: "console_unavailable" });
    await assert.rejects(read(outsider), { code: "not_found" });
    await assert.rejects(read(control.admin, "nothing"), { code: "not_found" });
    await control.services.machines.update(control.admin, line.machine.id, { state: "stopped" });
    await assert.rejects(read(), { code: "machine_not_running" });

    assert.deepEqual(asked, []);
  },
))
  test(...t);
