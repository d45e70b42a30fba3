import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { test } from "node:test";
import { GatewayError } from "#wire/gateway-error.ts";
import { eventually } from "../../test/harness/eventually.ts";
import { type Caller, startUpstream } from "../../test/harness/test-upstream.ts";
import { overHttpConnect } from "./upstream-http-connect.ts";

const ADDRESS = {
  kind: "http-connect",
  host: "xen1.example.com",
  port: 443,
  path: "/console?uuid=9",
  isSecure: true,
  headers: { Cookie: "session_id=OpaqueRef:1" },
} as const;
const OK = "HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nCache-Control: no-cache, no-store\r\n\r\n";

test("it asks as XAPI's own client does, and what comes with the answer is the console's", async () => {
  await using server = await startServer(`${OK}RFB 003.003\n`);

  const stream = await server.open();

  assert.equal(
    server.asked(),
    "CONNECT /console?uuid=9 HTTP/1.0\r\nHost: xen1.example.com:443\r\nCookie: session_id=OpaqueRef:1\r\n\r\n",
  );
  assert.ok(stream.isPaused());
  const [chunk] = await once(stream.resume(), "data");
  assert.equal(String(chunk), "RFB 003.003\n");
  stream.destroy();
});

const REFUSALS: Readonly<Record<string, RegExp>> = {
  "401 Unauthorised": /upstream_refused: it does not take the session/,
  "403 Forbidden": /upstream_refused: the account by which it is asked may not/,
  "404 Not Found": /upstream_refused: there is nothing behind the machine's console/,
  "500 Internal Error": /upstream_refused: the machine does not run there any more/,
  "503 Connection Limit Exceeded": /^upstream_consoles_exhausted$/,
  "503 Service Unavailable": /upstream_refused: it did not open the console \(HTTP status 503\)/,
  "302 Found": /upstream_refused: it did not open the console \(HTTP status 302\)/,
};

for (const [answer, told] of Object.entries(REFUSALS)) {
  test(`that it answers ${answer} is told as what it is, without its own words`, async () => {
    await using server = await startServer(`HTTP/1.0 ${answer}\r\nLocation: /\r\n\r\n<b>User 'ada'</b>`);

    const error = await server.open().catch((thrown: unknown) => thrown);

    assert.ok(error instanceof GatewayError);
    assert.match(error.message, told);
    assert.doesNotMatch(`${error.message}${error.cause}`, /ada|OpaqueRef/);
    await eventually(() => assert.ok(server.caller()?.socket.destroyed));
  });
}

test("who answers without end, or with something else, or not at all, is let go", async () => {
  await using endless = await startServer("HTTP/1.1 200 OK\r\n".padEnd(100_000, "A: b\r\n"));
  await using other = await startServer("SSH-2.0-OpenSSH_9.2\r\n\r\n");
  await using closing = await startServer("HTTP/1.1 200", { end: true });
  await using silent = await startServer("");
  const reason = new Error("nobody waits");

  await assert.rejects(endless.open(), { code: "upstream_refused" });
  await assert.rejects(other.open(), { code: "upstream_refused" });
  await assert.rejects(closing.open(), { code: "upstream_closed" });
  const leave = new AbortController();
  const waiting = assert.rejects(silent.open(leave.signal), reason);
  await eventually(() => assert.match(silent.asked(), /CONNECT/));
  leave.abort(reason);
  await waiting;

  for (const server of [endless, other, closing, silent])
    await eventually(() => assert.ok(server.caller()?.socket.destroyed));
});

/** Answers whoever has asked with that. */
async function startServer(answer: string, { end = false }: { readonly end?: boolean } = {}) {
  const server = await startUpstream(({ socket, said }: Caller) => {
    socket.on("data", (chunk) => {
      said.push(chunk);
      if (!Buffer.concat(said).includes("\r\n\r\n")) return;
      if (end) socket.end(answer);
      else if (answer !== "") socket.write(answer);
    });
  });
  const { address } = server.upstream;
  assert.ok(address.kind === "tcp");
  const caller = () => server.callers[0];
  return {
    caller,
    asked: () => Buffer.concat(caller()?.said ?? []).toString(),
    async open(signal = new AbortController().signal): Promise<Socket> {
      const socket = connect(address).pause();
      await once(socket, "connect");
      return await overHttpConnect(socket, { address: ADDRESS, signal });
    },
    [Symbol.asyncDispose]: async () => await server[Symbol.asyncDispose](),
  };
}
