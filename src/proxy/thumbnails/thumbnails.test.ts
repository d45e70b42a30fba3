import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { decode } from "fast-png";
import { encodeFramebufferUpdate } from "#protocols/rfb/framebuffer-update.ts";
import { eventually } from "../../../test/harness/eventually.ts";
import { startTestNode, type TestNode } from "../../../test/harness/test-node.ts";
import { type Caller, startRfbUpstream } from "../../../test/harness/test-upstream.ts";
import { refusal, webSocketUrl } from "../../../test/harness/test-viewer.ts";

let node: TestNode;
before(async () => {
  node = await startTestNode({ deadlines: { upstreamMs: 500 } });
});
after(async () => await node[Symbol.asyncDispose]());

const THUMBNAIL = { claims: { purpose: "thumbnail" } } as const;

/** One grey screen. */
function paint({ socket }: Caller): void {
  const pixels = new Uint8Array(640 * 480 * 4).fill(0x60);
  socket.write(encodeFramebufferUpdate([{ x: 0, y: 0, width: 640, height: 480, encoding: "raw", pixels }]));
}

async function ask(ticket: string, query = "", on = node) {
  return await fetch(`${on.origin}/ajaximg?token=${ticket}${query}`);
}

test("a ticket for a picture gives one, in the size that was asked for, and is used up", async () => {
  await using machine = await startRfbUpstream(paint);
  const { ticket, sessionId } = await node.control.issue({
    ...THUMBNAIL,
    upstream: machine.upstream,
    machineId: "one",
  });

  const answer = await ask(ticket, "&w=200&h=120");

  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get("content-type"), "image/png");
  assert.equal(answer.headers.get("cache-control"), "no-store");
  assert.equal(answer.headers.get("cross-origin-resource-policy"), "cross-origin");
  const { width, height, data } = decode(new Uint8Array(await answer.arrayBuffer()));
  assert.deepEqual([width, height], [160, 120]);
  assert.ok(data.every((value) => value === 0x60));
  await eventually(() => assert.equal(node.control.endingOf(sessionId)?.ending?.code, "viewer_closed"));
  assert.equal((await ask(ticket)).status, 410);
  assert.equal((await machine.caller()).socket.destroyed, true);
});

test("a ticket is good for what it was issued for, and is not spent on the other", async () => {
  await using machine = await startRfbUpstream(paint);
  const forConsole = await node.control.issue({ upstream: machine.upstream });
  const forPicture = await node.control.issue({
    ...THUMBNAIL,
    upstream: machine.upstream,
    machineId: "two",
  });

  assert.equal((await ask(forConsole.ticket)).status, 401);
  const refused = await refusal(`${webSocketUrl(node.origin)}/websockify?token=${forPicture.ticket}`);

  assert.equal(refused.status, 401);
  assert.deepEqual(
    node.control.redemptions.filter(({ sessionId }) => sessionId === forConsole.sessionId),
    [],
  );
  assert.equal((await ask(forPicture.ticket)).status, 200);
});

test("a machine is looked at once, whoever asks meanwhile and in whatever size", async () => {
  await using machine = await startRfbUpstream(paint);
  const ofMachine = { ...THUMBNAIL, upstream: machine.upstream, machineId: "the-same" };
  const tickets = await Promise.all([1, 2, 3, 4].map(async () => await node.control.issue(ofMachine)));

  const answers = await Promise.all(
    tickets.map(async ({ ticket }, index) => await ask(ticket, `&w=${100 + index}`)),
  );

  const widths = await Promise.all(
    answers.map(async (answer) => decode(new Uint8Array(await answer.arrayBuffer())).width),
  );
  assert.deepEqual(widths, [100, 101, 102, 103]);
  assert.equal(machine.callers.length, 1);
});

test("a machine that says nothing more, and one that says nonsense, are told as what they are", async () => {
  await using silent = await startRfbUpstream();
  await using odd = await startRfbUpstream(({ socket }) => socket.write(Uint8Array.of(77)));
  await using ending = await startRfbUpstream(({ socket }) => socket.end());

  for (const [machine, code] of [
    [silent, "upstream_timeout"],
    [odd, "upstream_protocol_error"],
    [ending, "upstream_closed"],
  ] as const) {
    const { ticket, sessionId } = await node.control.issue({
      ...THUMBNAIL,
      upstream: machine.upstream,
      machineId: code,
    });

    const answer = await ask(ticket);

    const { error } = (await answer.json()) as { error: { code: string } };
    assert.equal(error.code, code);
    await eventually(() => assert.equal(node.control.endingOf(sessionId)?.ending?.code, code));
  }
});

test("a size that is none, a missing ticket, and another method are refused, and no ticket is logged", async () => {
  await using machine = await startRfbUpstream(paint);
  const { ticket } = await node.control.issue({ ...THUMBNAIL, upstream: machine.upstream, machineId: "m" });

  const picture = decode(new Uint8Array(await (await ask(ticket, "&w=99999&h=99999")).arrayBuffer()));
  assert.deepEqual([picture.width, picture.height], [320, 240]);
  for (const query of ["&w=0", "&h=x", "&w=-5", "&w=1e3"])
    assert.equal((await ask(ticket, query)).status, 400);
  assert.equal((await fetch(`${node.origin}/ajaximg`)).status, 401);
  assert.equal((await fetch(`${node.origin}/ajaximg?token=${ticket}`, { method: "POST" })).status, 405);
  assert.ok(!node.log().includes(ticket));
});

test("a node that stops gives up the picture that it waits for", async () => {
  await using other = await startTestNode();
  await using silent = await startRfbUpstream();
  const { ticket, sessionId } = await other.control.issue({ ...THUMBNAIL, upstream: silent.upstream });
  const asking = ask(ticket, "", other).catch(() => undefined);
  await silent.caller();

  await other.stop();

  await asking;
  assert.equal(other.control.endingOf(sessionId)?.ending?.code, "node_stopping");
});

test("a node waits for 32 pictures at once, and spends no ticket of who comes beyond", async () => {
  await using other = await startTestNode();
  await using silent = await startRfbUpstream();
  const issue = async (machineId: string) =>
    await other.control.issue({ ...THUMBNAIL, upstream: silent.upstream, machineId });
  const waiting: Promise<unknown>[] = [];
  for (let count = 0; count < 32; count++) {
    const { ticket } = await issue(`machine-${count}`);
    waiting.push(ask(ticket, "", other).catch(() => undefined));
  }
  await eventually(() => assert.equal(silent.callers.length, 32));
  const { ticket, sessionId } = await issue("one-more");

  const refused = await ask(ticket, "", other);

  const { error } = (await refused.json()) as { error: { code: string } };
  assert.deepEqual([refused.status, error.code], [503, "node_full"]);
  assert.ok(!other.control.redemptions.some((redemption) => redemption.sessionId === sessionId));
  await other.stop();
  await Promise.all(waiting);
});
