import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { HandshakeError } from "#protocols/rfb/handshake-error.ts";
import { eventually } from "../harness/eventually.ts";
import { type FleetNode, startFleet, type TestFleet } from "../harness/test-fleet.ts";
import { TestViewer } from "../harness/test-viewer.ts";
import { lackingTigerVnc, startTigerVnc, type TigerVnc } from "./tigervnc.ts";

const SHUT_OUT = /blacklisted|Too many security failures/i;

describe("TigerVNC's server, which shuts out for five wrong passwords", { skip: lackingTigerVnc }, () => {
  test("is opened as soon as the right one is set, however many have tried before", async () => {
    await using fleet = await startFleet();
    await using server = await startTigerVnc({ password: "richtig", shutsOut: true });
    const machine = await machineAt(fleet, server);

    for (let attempts = 0; attempts < 3; attempts++)
      assert.equal(await open(machine), "upstream_authentication_failed");
    for (let attempts = 0; attempts < 5; attempts++)
      assert.equal(await open(machine), "upstream_password_paced");
    await setPassword(machine, "anders");
    assert.equal(await open(machine), "upstream_authentication_failed");
    assert.equal(await open(machine), "upstream_password_paced");
    await setPassword(machine, "richtig");

    assert.equal(await open(machine), undefined);
    assert.doesNotMatch(server.log(), SHUT_OUT);
  });

  test("is opened then too where they have tried all at once", async () => {
    await using fleet = await startFleet();
    await using server = await startTigerVnc({ password: "richtig", shutsOut: true });
    const machine = await machineAt(fleet, server);

    const endings = await Promise.all(Array.from({ length: 10 }, async () => await open(machine)));
    await setPassword(machine, "richtig");

    assert.equal(await open(machine), undefined);
    assert.doesNotMatch(server.log(), SHUT_OUT);
    assert.deepEqual(
      Object.fromEntries([...Map.groupBy(endings, (code) => code)].map(([code, all]) => [code, all.length])),
      { upstream_authentication_failed: 3, upstream_password_paced: 7 },
    );
  });

  test("opens all at once that come when the right one is on record, though nobody knows that it is", async () => {
    await using fleet = await startFleet();
    await using server = await startTigerVnc({ password: "richtig", shutsOut: true });
    const machine = await machineAt(fleet, server);
    await setPassword(machine, "richtig");

    const endings = await Promise.all(Array.from({ length: 10 }, async () => await open(machine)));

    assert.deepEqual(new Set(endings), new Set([undefined]));
    assert.doesNotMatch(server.log(), SHUT_OUT);
  });
});

interface Machine {
  readonly fleet: TestFleet;
  readonly node: FleetNode;
  readonly id: string;
}

/** With a wrong password on record. */
async function machineAt(fleet: TestFleet, { host, port }: TigerVnc): Promise<Machine> {
  const node = await fleet.start();
  const { id } = await fleet.control.machine({ address: `${host}:${port}`, password: "falsch" });
  return { fleet, node, id };
}

async function setPassword({ fleet: { control }, id }: Machine, password: string): Promise<void> {
  await control.services.machines.update(control.admin, id, { password });
}

/** Resolves to what the session ended with; undefined if it opened. */
async function open({ fleet: { control }, node, id: machineId }: Machine): Promise<string | undefined> {
  const { consoles, sessions } = control.services;
  const { sessionId, ticket } = await consoles.open(control.admin, { machineId, api: "native" });
  if (await isOpened(node, ticket)) return undefined;
  return await eventually(async () => {
    const { ending } = await sessions.get(control.admin, sessionId);
    assert.ok(ending !== undefined);
    return ending.code;
  });
}

async function isOpened(node: FleetNode, ticket: string): Promise<boolean> {
  const viewer = await TestViewer.bare(node.origin, ticket).catch(() => undefined);
  if (viewer === undefined) return false;
  await using held = viewer;
  return await held.handshake().then(
    () => true,
    (error: unknown) => {
      assert.ok(error instanceof HandshakeError, String(error));
      return false;
    },
  );
}
