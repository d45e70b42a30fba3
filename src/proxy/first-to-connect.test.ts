import assert from "node:assert/strict";
import { connect, Socket } from "node:net";
import { test } from "node:test";
import { startUpstream } from "../../test/harness/test-upstream.ts";
import { firstToConnect, interleaved } from "./first-to-connect.ts";
import { ignoreError } from "./ignore-error.ts";

test("the families take turns, beginning with that of the first address", () => {
  assert.deepEqual(interleaved(["2001:db8::1", "2001:db8::2", "192.0.2.1"]), [
    "2001:db8::1",
    "192.0.2.1",
    "2001:db8::2",
  ]);
  assert.deepEqual(interleaved(["192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2"]), [
    "192.0.2.1",
    "2001:db8::1",
    "192.0.2.2",
    "2001:db8::2",
  ]);
  assert.deepEqual(interleaved(["192.0.2.1"]), ["192.0.2.1"]);
});

test("an address that does not answer holds nobody up, and is not given up for being slow", async () => {
  const [slow, stalled] = [new Socket(), new Socket()];
  const tried = Promise.withResolvers<void>();
  const silent = (address: string) => {
    if (address === "192.0.2.2") tried.resolve();
    return address === "192.0.2.2" ? stalled : slow;
  };

  const first = firstToConnect(["192.0.2.1", "192.0.2.2"], silent, AbortSignal.timeout(60_000));
  await tried.promise;
  // It answers only now, when another is tried beside it.
  slow.emit("connect");

  assert.equal(await first, slow);
  assert.deepEqual(slow.listeners("error"), [ignoreError], "nothing that would keep the other one");
  assert.equal(slow.destroyed, false);
  assert.equal(stalled.destroyed, true);
});

test("an address that refuses is followed by the next one at once, and all that refuse are told", async () => {
  await using machine = await startUpstream(() => {});
  const { address } = machine.upstream;
  assert.ok(address.kind === "tcp");
  const { port } = address;
  const gone = await startUpstream(() => {});
  await gone[Symbol.asyncDispose]();
  const closed = gone.upstream.address;
  assert.ok(closed.kind === "tcp");
  const signal = AbortSignal.timeout(60_000);

  const socket = await firstToConnect(
    ["127.0.0.2", "127.0.0.1"],
    (host) => connect({ host, port: host === "127.0.0.1" ? port : closed.port }),
    signal,
  );
  assert.equal(socket.remoteAddress, "127.0.0.1");
  socket.destroy();

  const refused = firstToConnect(
    ["127.0.0.2", "127.0.0.1"],
    (host) => connect({ host, port: closed.port }),
    signal,
  );
  await assert.rejects(
    refused,
    (error) =>
      error instanceof AggregateError &&
      error.errors.length === 2 &&
      error.errors.every((one: NodeJS.ErrnoException) => one.code === "ECONNREFUSED"),
  );
});

test("whoever gives up leaves nothing behind", async () => {
  const silent = new Socket();
  const abort = new AbortController();

  const first = firstToConnect(["192.0.2.1", "192.0.2.2"], () => silent, abort.signal);
  abort.abort(new Error("nobody waits"));

  await assert.rejects(first, /nobody waits/);
  assert.equal(silent.destroyed, true);
});
