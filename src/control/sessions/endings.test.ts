import assert from "node:assert/strict";
import { test } from "node:test";
import { type TestControl, testControl } from "../../../test/harness/control.ts";
import { onBoth } from "../../../test/harness/test-database.ts";
import { endSession } from "./endings.ts";

for (const t of onBoth("what is over keeps its first ending", async () => {
  await using control = await testControl();
  await control.node();
  const id = await open(control);
  await endSession(control, id, { kind: "refused", code: "machine_gone" });

  await endSession(control, id, { kind: "failed", code: "internal", detail: "later" });

  const session = await control.services.sessions.get(control.admin, id);
  assert.deepEqual(session.ending, { kind: "refused", code: "machine_gone" });
}))
  test(...t);

async function open(control: TestControl): Promise<string> {
  const { id: machineId } = await control.machine();
  return (await control.services.consoles.open(control.admin, { machineId, api: "native" })).sessionId;
}
