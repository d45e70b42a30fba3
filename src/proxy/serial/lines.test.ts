import assert from "node:assert/strict";
import { connect as dial, type Socket } from "node:net";
import { test } from "node:test";
import { eventually } from "../../../test/harness/eventually.ts";
import { startUpstream } from "../../../test/harness/test-upstream.ts";
import type { Connect } from "../console/opening.ts";
import { UpstreamLeg } from "../console/upstream-leg.ts";
import { Lines } from "./lines.ts";
import type { LineTap } from "./tap.ts";

test("who comes just as the only one who waited has left opens the line himself, once the other's way there is over", async () => {
  await using upstream = await startUpstream(() => {});
  const { address } = upstream.upstream;
  assert.ok(address.kind === "tcp");
  const lines = new Lines();
  const gone = Promise.withResolvers<never>();
  let dials = 0;
  // Whoever leaves while he is on the way is there all the same for a moment, as behind a server that lets in by turns.
  const connect: Connect = async () => {
    dials += 1;
    if (dials === 1) return await gone.promise;
    return UpstreamLeg.over(dial(address.port, address.host).pause());
  };
  const leaving = new AbortController();
  const options = { connect, speaks: "bytes", meantBySilence: undefined, upstreamMs: 60_000 } as const;
  const first = lines.join("web", { ...options, signal: leaving.signal });
  await eventually(() => assert.equal(dials, 1));
  leaving.abort(new Error("the first one left"));
  await assert.rejects(first, /the first one left/);

  const second = lines.join("web", { ...options, signal: new AbortController().signal });
  const third = lines.join("web", { ...options, signal: new AbortController().signal });
  second.catch(() => {});
  third.catch(() => {});
  await new Promise(setImmediate);
  assert.equal(dials, 1, "a line bears one connection");
  gone.reject(new Error("the first one left"));

  const [{ line, tap }, other] = await Promise.all([second, third]);
  assert.equal(other.line, line);
  assert.equal(dials, 2);
  tap.destroy();
  other.tap.destroy();
  line.close();
  lines.stop();
});

test("a line that takes nothing holds one chunk of what was typed, however many come, type and leave again", async () => {
  await using deaf = await startDeafLine();
  await deaf.enter({ mayWrite: false });
  const first = await deaf.enter();
  await deaf.fill(first);
  const held = deaf.socket.writableLength;
  first.destroy();

  for (let round = 0; round < 20; round += 1) {
    const next = await deaf.enter();
    next.write(PASTED);
    assert.equal(next.writableLength, PASTED.length, "it waits");
    next.destroy();
  }

  assert.equal(deaf.socket.writableLength, held);
});

for (const [what, leave] of [
  ["that everybody has left", ({ tap }) => void tap.destroy()],
  ["that has ended", ({ caller }) => void caller.end("bye")],
] as const satisfies readonly (readonly [string, (parts: { tap: LineTap; caller: Socket }) => void])[])
  test(`a line ${what} is closed, also where its machine takes nothing of what was typed`, async () => {
    await using deaf = await startDeafLine();
    const tap = await deaf.enter();
    await deaf.fill(tap);

    leave({ tap, caller: (await deaf.caller()).socket });

    await eventually(() => assert.ok(deaf.socket.destroyed));
  });

const PASTED = Buffer.alloc(1024 * 1024, "x");

/** A line whose machine takes nothing, and which is kept for nobody. */
async function startDeafLine() {
  await using opened = new AsyncDisposableStack();
  const upstream = opened.use(await startUpstream(({ socket }) => void socket.pause()));
  const { address } = upstream.upstream;
  assert.ok(address.kind === "tcp");
  const lines = new Lines(0);
  opened.defer(() => lines.stop());
  const socket = dial(address.port, address.host).pause();
  opened.defer(() => void socket.destroy());
  const { signal } = new AbortController();
  const connect: Connect = async () => UpstreamLeg.over(socket);
  const joining = {
    connect,
    speaks: "bytes",
    meantBySilence: undefined,
    upstreamMs: 60_000,
    signal,
  } as const;
  const enter = async ({ mayWrite = true } = {}): Promise<LineTap> => {
    const { line, tap } = await lines.join("web", joining);
    line.enter(tap, { mayWrite, isBare: true, tell: () => {} });
    owned.defer(() => void tap.destroy());
    return tap.resume();
  };
  /** Types until both ends' sockets are full: nothing moves any more, look after look. */
  const fill = async (tap: LineTap): Promise<void> => {
    let looks = 0;
    await eventually(() => {
      looks = tap.writableLength > 0 && socket.writableLength > 0 ? looks + 1 : 0;
      if (tap.writableLength === 0) tap.write(PASTED);
      assert.ok(looks > 20);
    });
  };
  const owned = opened.move();
  return {
    ...{ socket, enter, fill, caller: upstream.caller },
    [Symbol.asyncDispose]: async () => await owned.disposeAsync(),
  };
}
