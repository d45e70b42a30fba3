import assert from "node:assert/strict";
import { test } from "node:test";
import type { Secret } from "#base/secret.ts";
import { blocked } from "../../../test/harness/blocked.ts";
import { type OneControl, type TestNode, testReplicas } from "../../../test/harness/control.ts";
import { lackingPostgres } from "../../../test/harness/postgres.ts";
import { begin } from "../../../test/harness/transaction.ts";
import {
  createLostNodeSweep,
  createSilentNodeSweep,
  createTicketSweep,
  createUnreportedSweep,
} from "./session-sweeps.ts";

const skip = lackingPostgres;
const MINUTE_MS = 60_000;

for (const [what, createSweep] of [
  ["detached", createSilentNodeSweep],
  ["given up", createLostNodeSweep],
] as const)
  test(`a node that is heard of at the same moment has no sessions ${what}`, { skip }, async () => {
    await using world = await createWorld();
    const { control, node, url } = world;
    const sweep = createSweep(control);
    const [id = ""] = await opened(world, 1);
    control.clock.advance(60 * MINUTE_MS);

    await using beat = await begin(url);
    await beat.say(`update nodes set seen_at = ${control.clock.now()} where id = '${node.id}'`);
    const sweeping = sweep();
    await Promise.race([sweeping, blocked(url, 1)]);
    await beat.say("commit");

    assert.equal(await sweeping, 0);
    assert.equal((await control.services.sessions.get(control.admin, id)).state, "active");
  });

test("a node that asks for its grant once more at the same moment keeps the session", { skip }, async () => {
  await using world = await createWorld();
  const { control, node, url } = world;
  const [id = ""] = await redeemed(world, 1);
  for (let times = 0; times < 33; times++) {
    control.clock.advance(10_000);
    await heartbeat(control, node);
  }

  await using asking = await begin(url);
  await asking.say(`update sessions set redeemed_at = ${control.clock.now()} where id = '${id}'`);
  const sweeping = createUnreportedSweep(control)();
  await blocked(url, 1);
  await asking.say("commit");

  assert.equal(await sweeping, 0);
});

test("a ticket that is redeemed at the same moment as it ends is redeemed", { skip }, async () => {
  await using world = await createWorld();
  const { control, url } = world;
  const [id = ""] = await issued(world, 1);
  control.clock.advance(2 * MINUTE_MS);

  await using redeeming = await begin(url);
  await redeeming.say(`update sessions set redeemed_at = ${control.clock.now()} where id = '${id}'`);
  const sweeping = createTicketSweep(control)();
  await blocked(url, 1);
  await redeeming.say("commit");

  assert.equal(await sweeping, 0);
  assert.equal((await control.services.sessions.get(control.admin, id)).state, "pending");
});

/** What changes many sessions of a node, or of an account. */
const CHANGES: Readonly<Record<string, (world: World) => Promise<unknown>>> = {
  "an account that is disabled": async ({ control, member }) =>
    await control.services.accounts.update(control.admin, member, { disabled: true }),
  "a node that is revoked": async ({ control, node }) =>
    await control.services.nodes.revoke(control.admin, node.id),
  "a node that is given up": async ({ control }) => {
    const sweep = createLostNodeSweep(control);
    control.clock.advance(60 * MINUTE_MS);
    await sweep();
  },
  "a node that comes back": async ({ control, node }) => await heartbeat(control, node),
};

for (const [what, change] of Object.entries(CHANGES))
  test(`${what} has its sessions changed in the order in which reports change them`, { skip }, async () => {
    await using world = await createWorld();
    const { control, url } = world;
    const ids = await opened(world, 5);
    const state = what === "a node that comes back" ? "detached" : "active";
    // Where rows lie is the order in which a database comes upon them.
    for (const id of ids.toReversed())
      await control.store.db.updateTable("sessions").set({ state }).where("id", "=", id).execute();
    const [first = "", ...others] = ids.toSorted();
    const touch = (id: string) => `update sessions set bytes_to_viewer = 9 where id = '${id}'`;

    await using reporting = await begin(url);
    await reporting.say(touch(first));
    const changing = change(world);
    await Promise.race([changing, blocked(url, 1)]);
    // It is told at once where it would wait for somebody who waits for it.
    for (const id of others) await reporting.say(touch(id));
    await reporting.say("commit");

    await changing;
  });

interface World extends AsyncDisposable {
  readonly control: OneControl;
  readonly node: TestNode;
  readonly url: Secret;
  /** Whose the sessions are. */
  readonly member: string;
}

async function createWorld(): Promise<World> {
  const { replicas, url, ...rest } = await testReplicas(1);
  const [control] = replicas;
  assert.ok(control !== undefined);
  const { accountId: member } = await control.member("member", ["default"]);
  const node = await control.node();
  return { control, node, url, member, [Symbol.asyncDispose]: rest[Symbol.asyncDispose] };
}

async function issued({ control, member }: World, count: number): Promise<readonly string[]> {
  const caller = { ...control.admin, accountId: member };
  const ids: string[] = [];
  for (let index = 0; index < count; index++) {
    const { id: machineId } = await control.machine();
    ids.push((await control.services.consoles.open(caller, { machineId, api: "native" })).sessionId);
  }
  return ids;
}

async function redeemed(world: World, count: number): Promise<readonly string[]> {
  const { link } = world.control;
  const { id: nodeId, incarnation } = world.node;
  const ids = await issued(world, count);
  for (const sessionId of ids)
    await link.redeem(nodeId, { incarnation, sessionId, attachment: 1, viewerAddress: "::1" });
  return ids;
}

async function opened(world: World, count: number): Promise<readonly string[]> {
  const ids = await redeemed(world, count);
  const common = { attachment: 1, at: 0, state: "active", bytesToViewer: 1, bytesFromViewer: 1 } as const;
  await world.control.link.takeReports(
    { nodeId: world.node.id, incarnation: world.node.incarnation },
    ids.map((sessionId) => ({ sessionId, ...common })),
  );
  return ids;
}

async function heartbeat({ link }: OneControl, { id, incarnation }: TestNode): Promise<void> {
  await link.registry.heartbeat(id, { incarnation, sessions: 1 });
}
