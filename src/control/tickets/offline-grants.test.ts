import assert from "node:assert/strict";
import { test } from "node:test";
import { fromGranted } from "#wire/grant.ts";
import { linkLimits, type SessionReport } from "#wire/link.ts";
import type { TestNode } from "../../../test/harness/control.ts";
import { eventually } from "../../../test/harness/eventually.ts";
import type { LinkClient, LinkCommand } from "../../../test/harness/link-client.ts";
import { nodeClient, type OpenLink, openLink } from "../../../test/harness/open-link.ts";
import { onBoth } from "../../../test/harness/test-database.ts";
import type { Caller } from "../services.ts";
import { createOfflineSweep, createTicketSweep } from "../sessions/session-sweeps.ts";

const VIEWER = "198.51.100.7";
const NONCE = "0123456789abcdef";

for (const t of onBoth(
  "by default nothing is told to anybody when a console is opened or redeemed",
  async () => {
    await using world = await createWorld("refuse");
    const { link, node, client } = world;

    const sessionId = await open(world);
    await client.ask("redeem", {
      ...attached(sessionId),
      incarnation: node.incarnation,
      viewerAddress: VIEWER,
    });
    await beat(world);

    assert.equal(client.commanded, 0);
    const row = await rowOf(link, sessionId);
    assert.equal(row.offline_grant, null);
  },
))
  test(...t);

for (const t of onBoth(
  "with the policy to accept, the node is given at once what a redemption would give it",
  async () => {
    await using world = await createWorld("accept");
    const { link, node, client } = world;

    const sessionId = await open(world, { password: "geheim" });
    const [command] = await client.commands(1);
    const { reopen_hash: ahead } = await rowOf(link, sessionId);
    keep(client, command, [sessionId]);
    await eventually(async () => assert.equal((await rowOf(link, sessionId)).offline_grant, 2));
    const redeem = { ...attached(sessionId), incarnation: node.incarnation, viewerAddress: VIEWER };
    const redeemed = await client.ask("redeem", redeem);

    assert.ok(command !== undefined);
    assert.equal(command.call, "grants");
    const [{ grant, expiresAt }] = command.body.grants;
    assert.deepEqual(grant, redeemed.body);
    assert.equal(fromGranted(grant.upstream).password, "geheim");
    const row = await rowOf(link, sessionId);
    assert.equal(expiresAt, row.ticket_expires_at);
    assert.equal(row.reopen_hash, ahead, "what its viewer opens it again with is the same either way");
  },
))
  test(...t);

for (const t of onBoth("a grant that is given ahead stands nowhere in the database", async () => {
  await using world = await createWorld("accept");
  const { link, client } = world;
  const sessionId = await open(world, { password: "geheim-1234" });
  const [command] = await client.commands(1);
  keep(client, command, [sessionId]);
  await eventually(async () => assert.equal((await rowOf(link, sessionId)).offline_grant, 2));

  const rows = JSON.stringify(await link.control.store.db.selectFrom("sessions").selectAll().execute());

  assert.ok(!rows.includes("geheim-1234"));
  assert.ok(!rows.includes(command?.body.grants[0].grant.reopen.split(".")[1]));
}))
  test(...t);

for (const t of onBoth(
  "what a node has no room for, or a machine that is gone, is not asked for again",
  async () => {
    await using world = await createWorld("accept");
    const { link, client } = world;
    const full = await open(world);
    const [command] = await client.commands(1);
    keep(client, command, []);
    await eventually(async () => assert.equal((await rowOf(link, full)).offline_grant, null));
    await client[Symbol.asyncDispose]();
    const gone = await open(world);
    const { machine_id } = await rowOf(link, gone);
    await link.control.store.db.deleteFrom("machines").where("id", "=", machine_id).execute();

    await using again = await nodeClient(link, world.node);
    await again.ask("heartbeat", { incarnation: world.node.incarnation, sessions: 0 });

    await eventually(async () => assert.equal((await rowOf(link, gone)).offline_grant, null));
    assert.equal(again.commanded, 0);
  },
))
  test(...t);

for (const t of onBoth(
  "a node that was cut off is given all that it missed, a hundred at a time",
  async () => {
    await using world = await createWorld("accept");
    const { link, node, client } = world;
    await client[Symbol.asyncDispose]();
    const count = linkLimits.grantsPerCommand + 1;
    const { admin, services } = link.control;
    const { id: machineId } = await link.control.machine();
    await services.settings.set(admin, "consoleproxy.session.max", "1000");
    for (let opened = 0; opened < count; opened++) await open(world, { machineId });

    await using again = await nodeClient(link, node);
    await again.ask("heartbeat", { incarnation: node.incarnation, sessions: 0 });
    const [first] = await again.commands(1);
    keep(again, first);
    const [, second] = await again.commands(2);

    assert.deepEqual([first?.body.grants.length, second?.body.grants.length], [count - 1, 1]);
  },
))
  test(...t);

for (const t of onBoth(
  "a ticket that was accepted while control was away is redeemed once, however often that is reported",
  async () => {
    await using world = await createWorld("accept");
    const { link, client } = world;
    const sessionId = await given(world);
    const { created_at: at } = await rowOf(link, sessionId);
    link.control.clock.advance(10 * 60_000);

    const active = report(sessionId, {
      redeemed: { at: at + 7, viewerAddress: `::ffff:${VIEWER}`, nonce: NONCE },
    });
    assert.deepEqual(await tell(world, active), {});
    const other = {
      ...active,
      redeemed: { at: at + 9, viewerAddress: "203.0.113.9", nonce: NONCE.replace("0", "9") },
    };
    assert.deepEqual(await tell(world, active, other), {});

    const row = await rowOf(link, sessionId);
    assert.deepEqual([row.state, row.redeemed_at, row.viewer_address], ["active", at + 7, VIEWER]);
    const { audit } = link.control.services;
    const told = await audit.list(link.control.admin, { action: "console.redeem" });
    assert.deepEqual(
      told.items.map((item) => [item.sessionId, item.address, item.result, item.detail]),
      [[sessionId, VIEWER, "ok", `while no control answered, at ${new Date(at + 7).toISOString()}`]],
    );
    const ended = { kind: "closed", code: "viewer_closed" } as const;
    await tell(world, { ...active, state: "ended", ending: ended, bytesToViewer: 5, at: at + 60_000 });
    const over = await rowOf(link, sessionId);
    assert.deepEqual([over.state, over.ended_at, over.bytes_to_viewer], ["ended", at + 60_000, 5]);
    const redeem = { ...attached(sessionId), incarnation: world.node.incarnation, viewerAddress: VIEWER };
    assert.equal((await client.ask("redeem", redeem)).error.code, "ticket_used");
  },
))
  test(...t);

for (const t of onBoth("one whose beginning and end control missed is told of by its end alone", async () => {
  await using world = await createWorld("accept");
  const sessionId = await given(world);
  const { created_at: at } = await rowOf(world.link, sessionId);

  const redeemed = { at, viewerAddress: VIEWER, nonce: NONCE };
  const ending = { kind: "closed", code: "viewer_closed" } as const;
  await tell(world, report(sessionId, { state: "ended", ending, redeemed, at: at + 1 }));

  const session = await world.link.control.services.sessions.get(world.link.control.admin, sessionId);
  assert.deepEqual([session.state, session.viewerAddress, session.ending], ["ended", VIEWER, ending]);
}))
  test(...t);

for (const t of onBoth(
  "control heard the question and nobody its answer: that is the same redemption",
  async () => {
    await using world = await createWorld("accept");
    const { link, node } = world;
    const sessionId = await given(world);
    const redeem = {
      ...attached(sessionId),
      incarnation: node.incarnation,
      viewerAddress: VIEWER,
      nonce: NONCE,
    };
    await link.control.link.redeem(node.id, redeem);
    const before = await rowOf(link, sessionId);

    const redeemed = { at: 5, viewerAddress: VIEWER, nonce: NONCE };
    assert.deepEqual(await tell(world, report(sessionId, { redeemed })), {});

    const after = await rowOf(link, sessionId);
    assert.deepEqual([after.state, after.redeemed_at], ["active", before.redeemed_at]);
    assert.equal(after.reopen_hash, before.reopen_hash);
  },
))
  test(...t);

for (const t of onBoth(
  "who may no longer open the machine is cut off as soon as control hears of it",
  async () => {
    await using world = await createWorld("accept");
    const { control } = world.link;
    const [disabled, moved] = [
      await control.member("one", ["default"]),
      await control.member("two", ["default"]),
    ];
    const unused = await given(world, disabled);
    const used = await given(world, disabled);
    const quiet = await given(world, moved);
    await control.services.accounts.update(control.admin, disabled.accountId, { disabled: true });
    // As another version would do it, which knows nothing of grants.
    await control.store.db.deleteFrom("memberships").where("account_id", "=", moved.accountId).execute();

    const redeemed = { at: control.clock.now(), viewerAddress: VIEWER, nonce: NONCE };
    const { over } = (await tell(world, report(used, { redeemed }), report(quiet, { redeemed }))) as {
      over: { sessionId: string; code: string }[];
    };

    assert.deepEqual(
      over.map(({ sessionId, code }) => [sessionId, code]),
      [
        [used, "access_withdrawn"],
        [quiet, "access_withdrawn"],
      ],
    );
    for (const id of [used, quiet]) {
      const row = await rowOf(world.link, id);
      assert.deepEqual([row.state, row.viewer_address], ["closing", VIEWER]);
    }
    const nobody = await rowOf(world.link, unused);
    assert.deepEqual([nobody.ending_kind, nobody.ending_code], ["refused", "access_withdrawn"]);
  },
))
  test(...t);

for (const t of onBoth(
  "a console that is ended before anybody came is over when its node has forgotten the grant",
  async () => {
    await using world = await createWorld("accept");
    const { link, client } = world;
    const { sessions } = link.control.services;
    const sessionId = await given(world);
    const before = client.commanded;

    assert.equal((await sessions.end(link.control.admin, sessionId)).state, "closing");
    const command = (await client.commands(before + 1)).at(-1);
    client.socket.send(JSON.stringify([{ id: command?.id, body: { unknown: [sessionId] } }]));

    assert.equal(command?.call, "end-sessions");
    await eventually(async () => {
      const { state, ending } = await sessions.get(link.control.admin, sessionId);
      assert.deepEqual([state, ending?.kind, ending?.code], ["ended", "refused", "session_ended"]);
    });
  },
))
  test(...t);

for (const t of onBoth(
  "a link that nobody used is over once its node was heard of for long enough to say that somebody did",
  async () => {
    await using world = await createWorld("accept");
    const { link, node } = world;
    const { store, clock } = link.control;
    const sessionId = await given(world);
    const sweep = async () => {
      await createTicketSweep(link.control)();
      return await createOfflineSweep(link.control)();
    };

    clock.advance(10 * 60_000);
    assert.equal(await sweep(), 0, "the node was not heard of since");
    for (let times = 0; times < 7; times++) {
      await beat(world);
      assert.equal(await sweep(), 0, "it may have something to say");
      if (times < 6) clock.advance(10_000);
    }
    clock.advance(1);
    await beat(world);
    assert.equal(await sweep(), 1);

    const row = await rowOf(link, sessionId);
    assert.deepEqual(
      [row.state, row.ending_code, row.ended_at],
      ["ended", "ticket_expired", row.ticket_expires_at],
    );
    const lost = await given(world);
    await store.db.updateTable("nodes").set({ seen_at: 0 }).where("id", "=", node.id).execute();
    clock.advance(60_000);
    assert.equal(await sweep(), 1, "a node that is given up says nothing any more");
    assert.equal((await rowOf(link, lost)).state, "ended");
    const redeemed = { at: row.created_at, viewerAddress: VIEWER, nonce: NONCE };
    const { over } = (await tell(world, report(sessionId, { redeemed }))) as { over: { code: string }[] };
    assert.deepEqual(
      [over[0]?.code, (await rowOf(link, sessionId)).viewer_address],
      ["ticket_expired", VIEWER],
    );
  },
))
  test(...t);

for (const t of onBoth(
  "what a node says of a ticket that it was given no grant for is no redemption",
  async () => {
    await using world = await createWorld("refuse");
    const sessionId = await open(world);

    const redeemed = { at: 1, viewerAddress: VIEWER, nonce: NONCE };
    await tell(world, report(sessionId, { redeemed }));

    const row = await rowOf(world.link, sessionId);
    assert.deepEqual([row.state, row.redeemed_at], ["pending", null]);
  },
))
  test(...t);

interface World extends AsyncDisposable {
  readonly link: OpenLink;
  readonly node: TestNode;
  readonly client: LinkClient;
}

async function createWorld(policy: "refuse" | "accept"): Promise<World> {
  const link = await openLink();
  const { settings } = link.control.services;
  await settings.set(link.control.admin, "console.offline.policy", policy);
  const node = await link.control.node();
  const client = await nodeClient(link, node);
  return {
    link,
    node,
    client,
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]();
      await link[Symbol.asyncDispose]();
    },
  };
}

async function open(
  { link: { control } }: World,
  { machineId, ...options }: { machineId?: string; password?: string; as?: Caller } = {},
): Promise<string> {
  const { as = control.admin, ...machine } = options;
  const id = machineId ?? (await control.machine(machine)).id;
  return (await control.services.consoles.open(as, { machineId: id, api: "native" })).sessionId;
}

/** A console whose grant its node has. */
async function given(world: World, as?: Caller): Promise<string> {
  const before = world.client.commanded;
  const sessionId = await open(world, as === undefined ? {} : { as });
  keep(world.client, (await world.client.commands(before + 1)).at(-1), [sessionId]);
  await eventually(async () => assert.equal((await rowOf(world.link, sessionId)).offline_grant, 2));
  return sessionId;
}

function keep({ socket }: LinkClient, command: LinkCommand | undefined, kept?: readonly string[]): void {
  const all = command?.body.grants.map(({ grant }: { grant: { sessionId: string } }) => grant.sessionId);
  socket.send(JSON.stringify([{ id: command?.id, body: { kept: kept ?? all } }]));
}

async function tell(
  { link, node: { id: nodeId, incarnation } }: World,
  ...reports: SessionReport[]
): Promise<unknown> {
  return await link.control.link.takeReports({ nodeId, incarnation }, reports);
}

function report(sessionId: string, more: Partial<SessionReport>): SessionReport {
  const counters = { bytesToViewer: 0, bytesFromViewer: 0 };
  return { ...attached(sessionId), at: 0, state: "active", ...counters, ...more };
}

function attached(sessionId: string) {
  return { sessionId, attachment: 1 };
}

async function beat({ client, node: { incarnation } }: World): Promise<void> {
  await client.ask("heartbeat", { incarnation, sessions: 0 });
}

async function rowOf({ control }: OpenLink, id: string) {
  return await control.store.db
    .selectFrom("sessions")
    .selectAll()
    .where("id", "=", id)
    .executeTakeFirstOrThrow();
}
