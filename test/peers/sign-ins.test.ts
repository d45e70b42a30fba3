import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { NodeMessage } from "#wire/viewer.ts";
import { openWay } from "../harness/cut.ts";
import { eventually } from "../harness/eventually.ts";
import { type Control, startControl, startNode } from "../harness/porthole.ts";
import { TestViewer } from "../harness/test-viewer.ts";
import { lackingTigerVnc, startTigerVnc, type TigerVnc } from "./tigervnc.ts";

const SHUT_OUT = /blacklisted|Too many security failures/i;
const AT_ONCE = 10;

describe("TigerVNC's server, which counts who has not signed in yet", { skip: lackingTigerVnc }, () => {
  for (const { who, args } of [
    { who: "one node", args: [] },
    // None takes all of them, so that several are needed. It hands on as many at most, and the kernel says how many come to the wrong one.
    { who: "three workers of one address", args: ["--workers", "3", "--max-sessions", `${AT_ONCE - 1}`] },
  ])
    for (const password of [undefined, "richtig"])
      test(`opens ${AT_ONCE} consoles in one instant to ${who}, ${password === undefined ? "without a password" : "by a password that is known to be right"}`, async () => {
        await using control = await startControl();
        await using server = await startTigerVnc({ shutsOut: true, ...(password && { password }) });
        const machineId = await addMachine(control, server, password);
        await using _node = await startNode(control, { args });
        if (password !== undefined) await (await open(control, machineId))[Symbol.asyncDispose]();

        const tickets = await links(control, machineId);
        await using opened = new AsyncDisposableStack();
        server.hold();
        const viewers = await Promise.all(
          tickets.map(async ({ origin, token }) => opened.use(await TestViewer.porthole(origin, token))),
        );
        const opening = Promise.all(viewers.map(async (viewer) => await viewer.handshake()));
        await eventually(() => assert.ok(viewers.every(({ texts }) => texts.length > 0)));
        server.goOn();

        await opening;
        const waited = viewers.filter(({ texts }) => texts.some(isWaiting));
        assert.equal(waited.length, AT_ONCE - 4);
        assert.doesNotMatch(server.log(), SHUT_OUT);
      });

  test("opens though many have left while they were signing in", async () => {
    await using control = await startControl();
    await using server = await startTigerVnc({ shutsOut: true, password: "richtig" });
    await using way = await openWay(server.port);
    const machineId = await addMachine(control, { ...server, port: way.port }, "richtig");
    await using _node = await startNode(control);

    for (let time = 1; time <= AT_ONCE; time += 1) {
      const { sessionId, origin, token } = await link(control, machineId);
      server.hold();
      const viewer = await TestViewer.porthole(origin, token);
      await eventually(() => assert.equal(way.opened, time));
      await viewer[Symbol.asyncDispose]();
      server.goOn();
      await eventually(async () => assert.equal((await control.api.session(sessionId)).state, "ended"));
    }

    await using _viewer = await open(control, machineId);
    assert.doesNotMatch(server.log(), SHUT_OUT);
  });
});

async function addMachine({ api }: Control, { host, port }: TigerVnc, password?: string): Promise<string> {
  const address = `${host}:${port}`;
  const machine = { name: "guest", protocol: "rfb", address, ...(password && { password }) } as const;
  await api.call("PUT", "settings/upstream.allow", { value: "127.0.0.0/8" });
  return (await api.addMachine(machine)).id;
}

interface Link {
  readonly sessionId: string;
  readonly origin: string;
  readonly token: string;
}

async function link({ api }: Control, machineId: string): Promise<Link> {
  const { sessionId, url, websocket } = await api.openConsole(machineId);
  return { sessionId, origin: new URL(url).origin, token: websocket.token };
}

async function links(control: Control, machineId: string): Promise<readonly Link[]> {
  return await Promise.all(Array.from({ length: AT_ONCE }, async () => await link(control, machineId)));
}

async function open(control: Control, machineId: string): Promise<TestViewer> {
  return await openLink(await link(control, machineId));
}

async function openLink({ origin, token }: Link): Promise<TestViewer> {
  const viewer = await TestViewer.porthole(origin, token);
  await viewer.handshake();
  return viewer;
}

function isWaiting(told: NodeMessage): boolean {
  return told.type === "progress" && told.stage === "waiting";
}
