import assert from "node:assert/strict";
import { test } from "node:test";
import { type TestControl, testControl } from "../../../test/harness/control.ts";
import { onBoth } from "../../../test/harness/test-database.ts";
import { checkedNodes } from "./checked-nodes.ts";
import { createNodeChecks } from "./node-checks.ts";

const LINE = { check: "node.page", finding: "ok" } as const;

/** Asks, without waiting for an answer, and resolves to the run that the node is in then. */
async function askedRun(control: TestControl): Promise<string> {
  const { nodes } = await checkedNodes(control, { now: control.clock.now() });
  const asking = createNodeChecks(control).ask(
    nodes.map((node) => ({ node, screens: [] })),
    AbortSignal.abort(),
  );
  await asking.catch((error: Error) => assert.equal(error.name, "AbortError"));
  const { run } = await control.store.db.selectFrom("node_checks").select("run").executeTakeFirstOrThrow();
  return run;
}

async function age(control: TestControl, ms: number): Promise<void> {
  await control.store.db
    .updateTable("node_checks")
    .set((of) => ({ asked_at: of("asked_at", "-", ms) }))
    .execute();
}

for (const t of onBoth(
  "while a node looks nobody has it look anew, and what it has found is told for some seconds",
  async () => {
    await using control = await testControl();
    const { id } = await control.node();
    const checks = createNodeChecks(control);

    const first = await askedRun(control);
    await age(control, 12_000);
    const whileItLooks = await askedRun(control);
    await age(control, 5_000);
    const whenItIsSilent = await askedRun(control);
    await checks.answer(id, { run: whenItIsSilent, lines: [LINE] });
    const soon = await askedRun(control);
    await age(control, 11_000);
    const later = await askedRun(control);

    assert.equal(whileItLooks, first);
    assert.notEqual(whenItIsSilent, first);
    assert.equal(soon, whenItIsSilent);
    assert.notEqual(later, soon);
  },
))
  test(...t);
