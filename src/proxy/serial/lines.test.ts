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

for (const [what, leave] of [
  ["that everybody has left", ({ tap }) => void tap.destroy()],
  ["that has ended", ({ caller }) => void caller.end("bye")],
] as const satisfies readonly (readonly [string, (parts: { tap: LineTap; caller: Socket }) => void])[])
  test(`a line ${what} is closed, also where its machine takes nothing of what was typed`, async () => {
    await using upstream = await startUpstream(({ socket }) => void socket.pause());
    const { address } = upstream.upstream;
    assert.ok(address.kind === "tcp");
    const lines = new Lines(0);
    const socket = dial(address.port, address.host).pause();
    const { line, tap } = await lines.join("web", {
      ...{ connect: async () => UpstreamLeg.over(socket), speaks: "bytes", meantBySilence: undefined },
      ...{ upstreamMs: 60_000, signal: new AbortController().signal },
    });
    line.enter(tap, { mayWrite: true, isBare: true, tell: () => {} });
    tap.resume();
    const pasted = Buffer.alloc(1024 * 1024);
    // Until both ends' sockets are full: nothing moves any more, look after look.
    let looks = 0;
    await eventually(() => {
      looks = tap.writableLength > 0 && socket.writableLength > 0 ? looks + 1 : 0;
      if (tap.writableLength === 0) tap.write(pasted);
      assert.ok(looks > 20);
    });

    leave({ tap, caller: (await upstream.caller()).socket });

    await eventually(() => assert.ok(socket.destroyed));
    tap.destroy();
    lines.stop();
  });
