import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, test } from "node:test";
import { outputLimits } from "#wire/link-console-output.ts";
import { eventually } from "../../../test/harness/eventually.ts";
import { startTestNode, type TestNode } from "../../../test/harness/test-node.ts";
import { startUpstream } from "../../../test/harness/test-upstream.ts";
import { TestViewer } from "../../../test/harness/test-viewer.ts";

let node: TestNode;
before(async () => {
  node = await startTestNode();
});
after(async () => await node[Symbol.asyncDispose]());

const incarnation = () => node.control.registrations[0]?.incarnation ?? "";

async function output(machineId: string): Promise<string | undefined> {
  const { body, error } = await node.control.command("output", { incarnation: incarnation(), machineId });
  assert.equal(error, undefined);
  return (body as { readonly output?: string }).output;
}

/** A line that is open, and a way to have it say something that its viewer has then seen. */
async function openLine() {
  await using opened = new AsyncDisposableStack();
  const upstream = opened.use(await startUpstream(() => {}));
  const machineId = randomUUID();
  const grant = { protocol: "serial", machineId, upstream: upstream.upstream } as const;
  const { ticket } = await node.control.issue(grant);
  const viewer = opened.use(await TestViewer.porthole(node.origin, ticket));
  viewer.webSocket.on("message", (_data, isBinary) => {
    if (isBinary) viewer.webSocket.send(JSON.stringify({ type: "ack", bytes: viewer.received }));
  });
  const caller = await upstream.caller();
  const owned = opened.move();
  return {
    machineId,
    viewer,
    say: async (text: string) => {
      const seen = viewer.received + Buffer.byteLength(text);
      caller.socket.write(text);
      await eventually(() => assert.ok(viewer.received >= seen));
    },
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}

test("what a line has said is told as text: lines as they were written, and no escape sequences", async () => {
  await using line = await openLine();
  const long = "x".repeat(200);
  await line.say(`\x1b[31mred\x1b[0m\r\n\r\n${long}\r\nold\rnew\r\nlogin: `);

  assert.equal(await output(line.machineId), `red\n\n${long}\nnew\nlogin: `);
  await line.say("\x1b[?1049h\x1b[Hfull screen");
  assert.equal(await output(line.machineId), `red\n\n${long}\nnew\nlogin: \nfull screen`);
});

test("a line that has said nothing yet is open, and has said nothing", async () => {
  await using line = await openLine();

  assert.equal(await output(line.machineId), "");
});

test("of a flood it is the end, within its bound, and the line goes on", async () => {
  await using line = await openLine();
  for (let block = 0; block < 20; block += 1) {
    await line.say(
      Array.from({ length: 100 }, (_, index) => `${"ä€𝄞".repeat(25)} ${block} ${index}\r\n`).join(""),
    );
    // What comes faster than it is drawn has scrolled by: to ask draws it.
    await output(line.machineId);
  }

  const told = await eventually(async () => {
    const all = (await output(line.machineId)) ?? "";
    assert.ok(all.endsWith(" 19 99"), all.slice(-20));
    return all;
  });

  const bytes = Buffer.byteLength(told);
  assert.ok(bytes <= outputLimits.bytes && bytes > outputLimits.bytes - 1000, `${bytes}`);
  assert.ok(told.isWellFormed() && !told.includes("\ufffd"));
  await line.say("on and on");
  await eventually(async () => assert.equal((await output(line.machineId))?.slice(-9), "on and on"));
});

test("a line that is not open here is told as that, and another start of the node is told nothing", async () => {
  assert.equal(await output(randomUUID()), undefined);

  const wrong = { incarnation: "another-start-of-it", machineId: randomUUID() };
  assert.equal((await node.control.command("output", wrong)).error?.code, "node_superseded");
  const none = await node.control.command("output", { incarnation: incarnation() });
  assert.equal(none.error?.code, "request_invalid");
});
