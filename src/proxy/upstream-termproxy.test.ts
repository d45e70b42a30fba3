import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, connect } from "node:net";
import { after, before, type TestContext, test } from "node:test";
import { WebSocketServer } from "ws";
import { eventually } from "../../test/harness/eventually.ts";
import { startTestNode, type TestNode } from "../../test/harness/test-node.ts";
import { type Caller, startUpstream } from "../../test/harness/test-upstream.ts";
import { TestViewer } from "../../test/harness/test-viewer.ts";
import { UpstreamLeg } from "./console/upstream-leg.ts";
import { Drawing } from "./serial/drawing.ts";
import { Line } from "./serial/line.ts";

const LOGIN = "porthole@pve!consoles:PVEVNC:65F0::c2VjcmV0=";

let node: TestNode;
before(async () => {
  node = await startTestNode();
});
after(async () => await node[Symbol.asyncDispose]());

test("who is let in by Proxmox VE's termproxy sees what it says, and types in its messages", async () => {
  await using line = await startTermproxy("OKstarting serial terminal\r\n");
  await using viewer = await line.open();

  await eventually(() => assert.equal(viewer.bytes.toString(), "starting serial terminal\r\n"));
  await eventually(() => assert.ok(viewer.texts.some(({ type }) => type === "line")));
  viewer.send(Buffer.from("ls\r"));
  viewer.send(Buffer.from("ä"));

  await eventually(() => assert.equal(line.said(), `${LOGIN}\n0:3:ls\r0:2:ä`));
  const attached = viewer.texts.find((message) => message.type === "attached");
  // What it does with sizes ends at its own terminal: the machine is told none.
  assert.deepEqual(attached?.serial, { takesBreak: false, takesSize: false });
  assert.ok(!node.log().includes("c2VjcmV0"));
});

for (const [title, answer, code] of [
  ["hung up on", undefined, "upstream_ticket_refused"],
  ["answered something else", "no such user", "upstream_refused"],
] as const)
  test(`who is ${title} by it is told so`, async () => {
    await using line = await startTermproxy(answer);
    await using viewer = await line.open();

    assert.equal((await viewer.untilClosed()).reason, code);
    assert.equal(line.said(), `${LOGIN}\n`);
  });

test("it is told now and then that somebody is there, and not any more once the line is closed", async (t: TestContext) => {
  await using server = await startUpstream(({ socket, said }) =>
    socket.on("data", (chunk) => said.push(chunk)),
  );
  const { address } = server.upstream;
  assert.ok(address.kind === "tcp");
  const socket = connect(address.port, address.host).pause();
  const caller = await server.caller();
  t.mock.timers.enable({ apis: ["setInterval"] });
  const line = new Line({
    ...{ leg: UpstreamLeg.over(socket), speaks: "termproxy", meantBySilence: undefined },
    ...{ drawing: new Drawing(), graceMs: 60_000, onEnded: () => {} },
  });

  t.mock.timers.tick(60_000);

  await eventually(() => assert.equal(saidBy(caller), "22"));
  line.close();
  t.mock.timers.tick(60_000);
  await eventually(() => assert.ok(caller.socket.destroyed));
  assert.equal(saidBy(caller), "22");
});

/** Reads the line by which somebody signs in, and then says this; undefined: hangs up. */
async function startTermproxy(answer: string | undefined) {
  const said: Buffer[] = [];
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  server.on("connection", (socket) =>
    socket.on("message", (chunk: Buffer) => {
      const isSigningIn = !Buffer.concat(said).includes("\n");
      said.push(chunk);
      if (!isSigningIn || !chunk.includes("\n")) return;
      if (answer === undefined) socket.close();
      else socket.send(Buffer.from(answer));
    }),
  );
  await once(server, "listening");
  const { address: host, port } = server.address() as AddressInfo;
  const address = { kind: "websocket", host, port, path: "/", isSecure: false } as const;
  const upstream = { address: { ...address, termproxy: { login: LOGIN } } };
  return {
    said: () => Buffer.concat(said).toString(),
    async open() {
      const { ticket } = await node.control.issue({ protocol: "serial", upstream, machineId: randomUUID() });
      return await TestViewer.porthole(node.origin, ticket);
    },
    async [Symbol.asyncDispose]() {
      for (const client of server.clients) client.terminate();
      await new Promise((done) => server.close(done));
    },
  };
}

function saidBy(caller: Caller | undefined): string {
  return Buffer.concat(caller?.said ?? []).toString();
}
