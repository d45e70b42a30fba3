import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { Secret } from "#base/secret.ts";
import type { Console, TicketKeyGeneration } from "#wire/api.ts";
import type { AuditRow } from "#wire/audit.ts";
import { openWay } from "../harness/cut.ts";
import { eventually } from "../harness/eventually.ts";
import { type Fleet, startFleet } from "../harness/fleet.ts";
import { NativeClient } from "../harness/native-client.ts";
import { ask, lackingPostgres } from "../harness/postgres.ts";
import { scratch } from "../harness/scratch.ts";
import { createDatabase } from "../harness/shared-postgres.ts";
import { refusal, TestViewer, webSocketUrl } from "../harness/test-viewer.ts";

const skip = lackingPostgres;

test("ticket keys are rotated at any replica while consoles are opened at all, and every link opens", {
  skip,
}, async () => {
  await using fleet = await startFleet(2, await createDatabase());
  await Promise.all([fleet.node(), fleet.node()]);
  let isRotating = true;
  const rotating = rotateToTheLimit(fleet).finally(() => {
    isRotating = false;
  });

  const waiting: Console[] = [];
  const opened: Promise<void>[] = [];
  for (let count = 0; isRotating || count < 60; count++) {
    const console = await fleet.api(count % 2).openConsole(fleet.machineId);
    // Every other one waits until the rotations are over.
    if (count % 2 === 0) waiting.push(console);
    else opened.push(opens(console));
  }
  await Promise.all([rotating, ...opened, ...waiting.map(opens)]);

  await eventually(async () => {
    const [newest, ...older] = await generations(fleet);
    assert.deepEqual([newest?.generation, newest?.nodes], [3, 2]);
    assert.deepEqual(
      older.map(({ nodes }) => nodes),
      [0, 0],
    );
  });
});

test("a node that is revoked at one replica is cut off wherever it is, and is not let in again", {
  skip,
}, async () => {
  await using fleet = await startFleet(2, await createDatabase());
  await using folder = scratch();
  const node = await fleet.node({ data: folder.path });
  const { sessionId, viewer } = await fleet.open();
  await fleet.untilState(sessionId, "active");

  // Its channel is at one of the two.
  await fleet.api(1).call("POST", `nodes/${node.id}/revoke`);

  assert.equal(await node.process.exited, 1);
  await viewer.untilClosed();
  assert.match(node.process.stderr.text, /not that of a node of this installation, or was revoked/);
  assert.deepEqual((await fleet.api().session(sessionId)).ending, { kind: "failed", code: "node_revoked" });
  await assert.rejects(fleet.node({ data: folder.path }), /or was revoked/);
  await fleet.api().call("DELETE", `nodes/${node.id}`);
  assert.deepEqual((await fleet.api().call<{ items: unknown[] }>("GET", "nodes")).items, []);
});

test("a node whose certificate a restored database does not know is refused, and joins again as the handbook says", {
  skip,
}, async () => {
  const database = await createDatabase();
  await using fleet = await startFleet(1, database);
  await using folder = scratch();
  const old = await fleet.node({ data: folder.path });
  await old.process.stop();
  // As in a backup from before it was renewed.
  await ask(database.url, "update nodes set certificate_fingerprint = 'of the one before'");

  await assert.rejects(fleet.node({ data: folder.path }), /not that of a node of this installation/);
  rmSync(join(folder.path, "node-identity.json"));
  const node = await fleet.node({ data: folder.path });
  await fleet.api().call("DELETE", `nodes/${old.id}`);

  assert.notEqual(node.id, old.id);
  const { sessionId } = await fleet.open();
  await fleet.untilState(sessionId, "active");
});

test("with the policy to accept, a link opens once while no control answers, and control knows it afterwards", {
  skip,
}, async () => {
  const database = await createDatabase();
  await using fleet = await startFleet(1, database);
  await using way = await openWay(Number(new URL(fleet.replicas[0]?.link ?? "").port));
  await fleet.api().call("PUT", "settings/console.offline.policy", { value: "accept" });
  await fleet.node({ links: [`https://127.0.0.1:${way.port}`] });
  const used = await given(fleet, database.url);
  const unused = await given(fleet, database.url);

  way.cut("hung up");
  const viewer = await TestViewer.porthole(originOf(used), used.websocket.token);
  await viewer.handshake();
  assert.equal(await codeOf(used), "ticket_used");
  way.mend();

  await fleet.untilState(used.sessionId, "active");
  const { redeemedAt, viewerAddress } = await fleet.api().session(used.sessionId);
  assert.equal(viewerAddress, "127.0.0.1");
  assert.ok(redeemedAt !== undefined && redeemedAt <= used.expiresAt);
  viewer.webSocket.close();
  await fleet.untilState(used.sessionId, "ended");
  assert.equal((await fleet.api().session(used.sessionId)).ending?.code, "viewer_closed");
  await opens(unused);
  // Whom the node saw through meanwhile, control writes down afterwards.
  await eventually(async () => {
    const { items } = await fleet
      .api()
      .call<{ items: AuditRow[] }>("GET", `audit?object=${fleet.machineId}&action=console.redeem`);
    assert.ok(items.some(({ result, account }) => result === "ticket_used" && account === "admin"));
  });
});

test("who was shut out while a node let him in without control is put out when control is back", {
  skip,
}, async () => {
  const database = await createDatabase();
  await using fleet = await startFleet(1, database);
  await using way = await openWay(Number(new URL(fleet.replicas[0]?.link ?? "").port));
  await fleet.api().call("PUT", "settings/console.offline.policy", { value: "accept" });
  await fleet.node({ links: [`https://127.0.0.1:${way.port}`] });
  const account = { name: "eve", role: "member", projects: ["default"] };
  const { id } = await fleet.api().call<{ id: string }>("POST", "accounts", account);
  const keys = await fleet
    .api()
    .call<{ apiKey: string; secretKey: string }>("POST", `accounts/${id}/api-keys`);
  const eve = new NativeClient(fleet.replicas[0]?.control ?? "", keys);
  const console = await given(fleet, database.url, eve);

  way.cut("hung up");
  await using viewer = await TestViewer.porthole(originOf(console), console.websocket.token);
  await viewer.handshake();
  await fleet.api().call("PATCH", `accounts/${id}`, { disabled: true });
  await fleet.untilState(console.sessionId, "closing");
  way.mend();

  assert.equal((await viewer.untilClosed()).reason, "access_withdrawn");
  await fleet.untilState(console.sessionId, "ended");
  const { viewerAddress, ending } = await fleet.api().session(console.sessionId);
  assert.deepEqual([viewerAddress, ending?.code], ["127.0.0.1", "access_withdrawn"]);
});

async function rotateToTheLimit(fleet: Fleet): Promise<void> {
  for (let replica = 0; (await generations(fleet)).length < 3; replica = 1 - replica) {
    await fleet.api(replica).call("POST", "ticket-keys");
    // Not before nodes have begun to use it, or there would be nothing to see.
    await eventually(async () => assert.equal((await generations(fleet))[0]?.nodes, 2));
  }
}

async function generations(fleet: Fleet): Promise<readonly TicketKeyGeneration[]> {
  return (await fleet.api().call<{ items: TicketKeyGeneration[] }>("GET", "ticket-keys")).items;
}

/** Of a session whose grant its node has: see OfflineGrant. */
const HAD = 2;

/** A console whose grant its node has. */
async function given(fleet: Fleet, database: Secret, api: NativeClient = fleet.api()): Promise<Console> {
  const console = await api.openConsole(fleet.machineId);
  await eventually(async () => {
    const told = `select 1 from sessions where id = '${console.sessionId}' and offline_grant = ${HAD}`;
    assert.equal((await ask(database, told)).rows.length, 1);
  });
  return console;
}

async function opens(console: Console): Promise<void> {
  await using viewer = await TestViewer.porthole(originOf(console), console.websocket.token);
  await viewer.handshake();
}

async function codeOf(console: Console): Promise<string> {
  const url = `${webSocketUrl(originOf(console))}/websockify?token=${console.websocket.token}`;
  return JSON.parse((await refusal(url)).body).error.code;
}

function originOf({ websocket: { host, port } }: Console): string {
  return `http://${host}:${port}`;
}
