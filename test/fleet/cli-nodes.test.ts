import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Node } from "#wire/api.ts";
import { type CommandLine, startCommandLine } from "../harness/command-line.ts";
import { eventually } from "../harness/eventually.ts";
import { startRfbUpstream } from "../harness/test-upstream.ts";
import { TestViewer } from "../harness/test-viewer.ts";

let line: CommandLine;
let id: string;
before(async () => {
  line = await startCommandLine();
  const [node] = await line.json<readonly Node[]>("node", "list");
  id = node?.id ?? "";
});
after(async () => await line[Symbol.asyncDispose]());

test("a node is drained and given sessions again, with its deadline and what it waits for", async () => {
  await using machine = await startMachine("watched");
  await using viewer = await machine.open();

  const drained = await line.porthole(["node", "drain", id, "--deadline", "30m", "--warn"]);
  const shown = await line.porthole(["node", "show", id]);
  const refused = await line.porthole(["console", "open", "watched"]);
  const both = await line.porthole(["node", "drain", id, "--now", "--deadline", "30m"]);
  await eventually(() => assert.ok(viewer.texts.some(({ type }) => type === "notice")));
  const started = await line.porthole(["node", "start", id]);

  assert.equal(drained.out.trim(), "The node gets no new sessions. Still open: 1.");
  assert.match(shown.out, /^STATE +draining$/m);
  assert.match(shown.out, /^WAITS FOR +1 session$/m);
  assert.match(shown.out, /^UNTIL +\d{4}-\d\d-\d\dT/m);
  assert.match(shown.out, /^THEN +stay$/m);
  assert.notEqual(refused.status, 0);
  assert.equal(both.status, 2);
  assert.equal(started.out.trim(), "The node takes sessions.");
  assert.equal(viewer.closed, undefined);
  // Which nodes there are was read a moment ago.
  await eventually(async () => assert.equal((await line.porthole(["console", "open", "watched"])).status, 0));
});

test("a console is ended by its session's id", async () => {
  await using machine = await startMachine("ended");
  await using viewer = await machine.open();
  const [session] = await line.json<readonly { id: string }[]>("session", "list", "--machine", "ended");

  const { out } = await line.porthole(["session", "end", session?.id ?? ""]);

  assert.match(out, /^The console of “ended” is (over|being ended)\.$/m);
  await viewer.untilClosed();
  const last = viewer.texts.at(-1);
  assert.ok(last?.type === "ending", JSON.stringify(last));
  assert.equal((await line.porthole(["session", "end", "nothing"])).status, 3);
});

test("a node is stopped at once and started, restarted and destroyed", async () => {
  await using machine = await startMachine("cut");
  await using viewer = await machine.open();
  const starts = async () =>
    (
      await line.control.api.call<{ items: readonly object[] }>(
        "GET",
        `audit?object=${id}&action=node.register`,
      )
    ).items.length;

  const stopped = await line.porthole(["node", "stop", id, "--now"]);
  await viewer.untilClosed();
  await eventually(async () => assert.equal((await line.json<Node>("node", "show", id)).state, "stopped"));
  await line.json("node", "start", id);
  await eventually(async () => assert.equal((await line.json<Node>("node", "show", id)).state, "running"));
  const before = await starts();
  const restarted = await line.porthole(["node", "restart", id]);
  await eventually(async () => assert.equal(await starts(), before + 1));
  const destroyed = await line.porthole(["node", "destroy", id]);
  await eventually(async () => assert.deepEqual(await line.json("node", "list"), []));
  const gone = await line.porthole(["node", "drain", id]);

  assert.match(stopped.out, /^The node is stopped once it carries no session\./);
  const last = viewer.texts.at(-1);
  assert.ok(last?.type === "ending" && last.ending.code === "node_stopping", JSON.stringify(last));
  assert.match(restarted.out, /^The node comes back once it carries no session\./);
  assert.match(destroyed.out, /^The node goes once it carries no session\./);
  assert.equal(gone.status, 3);
});

async function startMachine(name: string) {
  const upstream = await startRfbUpstream();
  const { address } = upstream.upstream;
  assert.ok(address.kind === "tcp");
  await line.json("machine", "add", name, "--address", `${address.host}:${address.port}`);
  return {
    async open(): Promise<TestViewer> {
      const { websocket } = await line.json<{ websocket: { token: string } }>("console", "open", name);
      const viewer = await TestViewer.porthole(line.node.node, websocket.token);
      await viewer.handshake();
      return viewer;
    },
    [Symbol.asyncDispose]: async () => await upstream[Symbol.asyncDispose](),
  };
}
