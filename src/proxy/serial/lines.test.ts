import assert from "node:assert/strict";
import { connect as dial } from "node:net";
import { test } from "node:test";
import { eventually } from "../../../test/harness/eventually.ts";
import { startUpstream } from "../../../test/harness/test-upstream.ts";
import type { Connect } from "../console/opening.ts";
import { UpstreamLeg } from "../console/upstream-leg.ts";
import { Lines } from "./lines.ts";

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
