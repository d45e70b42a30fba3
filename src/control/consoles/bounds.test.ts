import assert from "node:assert/strict";
import { test } from "node:test";
import { GatewayError } from "#wire/gateway-error.ts";
import { type OneControl, testReplicas } from "../../../test/harness/control.ts";
import { lackingPostgres } from "../../../test/harness/postgres.ts";

const skip = lackingPostgres;

/** PostgreSQL's own bound, in the harness: below and above it, issuing goes different ways. */
const TRANSACTIONS_AT_ONCE = 100;

/** What a replica may give out by a count that is a second old, and have under way from before that. */
const uncounted = (maximum: number) => 2 * Math.floor(maximum / 32);

for (const maximum of [3, TRANSACTIONS_AT_ONCE + 20]) {
  test(`replicas together give an account ${maximum} unused links, and hardly one more`, {
    skip,
  }, async () => {
    await using opened = await testReplicas(3);
    const [first] = opened.replicas;
    assert.ok(first !== undefined);
    const machine = await first.machine();
    await first.node();
    await set(opened.replicas, "console.ticket.pending.max", maximum);
    await set(opened.replicas, "consoleproxy.session.max", 1000);

    const results = await openAtOnce(opened.replicas, { machineId: machine.id, count: maximum + 60 });

    assert.ok(results.opened >= maximum, `${results.opened}`);
    assert.ok(results.opened <= maximum + 3 * uncounted(maximum), `${results.opened}`);
    assert.deepEqual(results.refusals, ["rate_limited"]);
  });

  test(`replicas together give a node ${maximum} sessions, and not one more`, { skip }, async () => {
    await using opened = await testReplicas(3);
    const [first] = opened.replicas;
    assert.ok(first !== undefined);
    const machine = await first.machine();
    await first.node({ maximumSessions: maximum });
    await set(opened.replicas, "consoleproxy.session.max", 1000);

    const results = await openAtOnce(opened.replicas, { machineId: machine.id, count: maximum + 60 });

    assert.equal(results.opened, maximum);
    assert.deepEqual(results.refusals, ["no_node_available"]);
  });
}

test("links that are given out at the same time have room for each other when there is plenty", {
  skip,
}, async () => {
  await using opened = await testReplicas(2);
  const [first] = opened.replicas;
  assert.ok(first !== undefined);
  const machine = await first.machine();
  await first.node();
  await set(opened.replicas, "consoleproxy.session.max", 1000);

  const results = await openAtOnce(opened.replicas, { machineId: machine.id, count: 200 });

  assert.deepEqual(results, { opened: 200, refusals: [] });
});

async function openAtOnce(
  replicas: readonly OneControl[],
  { machineId, count }: { readonly machineId: string; readonly count: number },
) {
  const opening = Array.from({ length: count }, async (_, index) => {
    const { services, admin } = replicas[index % replicas.length] as OneControl;
    return await services.consoles.open(admin, { machineId, api: "native" });
  });
  const results = await Promise.allSettled(opening);
  const refused = results.flatMap((result) => (result.status === "rejected" ? [result.reason] : []));
  const codes = refused.map((error) => (error instanceof GatewayError ? error.code : String(error)));
  return { opened: count - refused.length, refusals: [...new Set(codes)] };
}

async function set(replicas: readonly OneControl[], name: string, value: number): Promise<void> {
  for (const { services, admin } of replicas) await services.settings.set(admin, name, String(value));
}
