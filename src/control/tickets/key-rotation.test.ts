import assert from "node:assert/strict";
import { test } from "node:test";
import { aes256Gcm } from "#base/process/aes-256-gcm.ts";
import { openTicket } from "#wire/ticket.ts";
import { type TestControl, type TestNode, testControl } from "../../../test/harness/control.ts";
import { onBoth } from "../../../test/harness/test-database.ts";
import { silenceMs } from "../fleet/up.ts";
import { createKeyRetirement } from "./key-generations.ts";

const MINUTE_MS = 60_000;

for (const t of onBoth(
  "a node's tickets are sealed with the newest generation that it has said it holds, not before",
  async () => {
    await using control = await testControl();
    const node = await control.node();
    const { ticketKeys } = control.services;

    await ticketKeys.rotate(control.admin);
    const before = await open(control);
    const { ticketKeys: given = [] } = await beat(control, node, 1);
    const between = await open(control);
    await beat(control, node, 2);
    const after = await open(control);

    assert.deepEqual(
      given.map(({ generation }) => generation),
      [2, 1],
    );
    const [newer, older] = given.map(({ kid, key }) => ({
      kid,
      aead: aes256Gcm(Buffer.from(key, "base64url")),
    }));
    assert.ok(newer !== undefined && older !== undefined);
    for (const ticket of [before, between]) {
      await openTicket(ticket, older);
      await assert.rejects(openTicket(ticket, newer), { code: "ticket_foreign" });
    }
    await openTicket(after, newer);
    await assert.rejects(openTicket(after, older), { code: "ticket_foreign" });
  },
))
  test(...t);

for (const t of onBoth(
  "an older node, which says nothing of generations, holds what its registration was answered with",
  async () => {
    await using control = await testControl();
    await control.services.ticketKeys.rotate(control.admin);
    const old = await control.node();
    await control.services.ticketKeys.rotate(control.admin);

    await control.link.registry.heartbeat(old.id, { incarnation: old.incarnation, sessions: 0 });

    await openTicket(await open(control), old.ticketKey);
  },
))
  test(...t);

for (const t of onBoth(
  "a generation is given up when all nodes that are up hold a newer one, and forgotten an hour later",
  async () => {
    await using control = await testControl();
    const [slow, quick] = [await control.node(), await control.node()];
    await control.services.ticketKeys.rotate(control.admin);
    await beat(control, quick, 2);

    await retire(control);
    assert.deepEqual(await generations(control), [
      [2, false],
      [1, false],
    ]);
    await beat(control, slow, 2);
    await retire(control);
    assert.deepEqual(await generations(control), [
      [2, false],
      [1, true],
    ]);
    control.clock.advance(60 * MINUTE_MS);
    await retire(control);
    assert.equal((await generations(control)).length, 2, "its last tickets may be good still");
    control.clock.advance(MINUTE_MS);
    await retire(control);
    assert.deepEqual(await generations(control), [[2, false]]);
  },
))
  test(...t);

for (const t of onBoth(
  "a node that comes back with nothing but a key that was given up gets no ticket until it holds a newer one",
  async () => {
    await using control = await testControl();
    const node = await control.node();
    control.clock.advance(silenceMs(control.values));
    await control.services.ticketKeys.rotate(control.admin);
    await retire(control);

    await beat(control, node, 1);
    await assert.rejects(open(control), { code: "no_node_available" });
    await beat(control, node, 2);

    await open(control);
  },
))
  test(...t);

for (const t of onBoth(
  "there are three generations at most: the next rotation waits for the oldest to go",
  async () => {
    await using control = await testControl();
    const { ticketKeys } = control.services;
    await ticketKeys.rotate(control.admin);
    await ticketKeys.rotate(control.admin);

    await assert.rejects(ticketKeys.rotate(control.admin), { code: "limit_reached" });

    assert.deepEqual(
      (await ticketKeys.list(control.admin)).map(({ generation }) => generation),
      [3, 2, 1],
    );
  },
))
  test(...t);

for (const t of onBoth(
  "members neither see nor rotate keys, and nothing that is told holds one",
  async () => {
    await using control = await testControl();
    const member = await control.member("member", []);
    const { ticketKeys } = control.services;

    await assert.rejects(ticketKeys.list(member), { code: "forbidden" });
    await assert.rejects(ticketKeys.rotate(member), { code: "forbidden" });
    const [newest] = await ticketKeys.rotate(control.admin);

    assert.deepEqual(Object.keys(newest ?? {}).sort(), ["createdAt", "generation", "nodes"]);
    const rows = await control.store.db.selectFrom("ticket_keys").selectAll().execute();
    for (const { secret_sealed } of rows) assert.match(secret_sealed, /^v1\./);
  },
))
  test(...t);

async function open(control: TestControl): Promise<string> {
  const { id: machineId } = await control.machine();
  return (await control.services.consoles.open(control.admin, { machineId, api: "native" })).ticket;
}

async function beat(control: TestControl, { id, incarnation }: TestNode, ticketGeneration: number) {
  return await control.link.registry.heartbeat(id, { incarnation, sessions: 0, ticketGeneration });
}

async function retire(control: TestControl): Promise<void> {
  await createKeyRetirement(control.store, () => silenceMs(control.values))();
}

async function generations(control: TestControl): Promise<[generation: number, isRetiring: boolean][]> {
  const list = await control.services.ticketKeys.list(control.admin);
  return list.map(({ generation, retiringSince }) => [generation, retiringSince !== undefined]);
}
