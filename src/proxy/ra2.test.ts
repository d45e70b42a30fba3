import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import type { AddressInfo, Socket } from "node:net";
import { after, before, test } from "node:test";
import { type ServerOptions, WebSocketServer } from "ws";
import type { ErrorCode } from "#wire/errors.ts";
import type { Upstream } from "#wire/grant.ts";
import { openThrough } from "../../test/harness/open-through.ts";
import { type Ra2ServerOptions, startRa2Server } from "../../test/harness/ra2-server.ts";
import { startTestNode, type TestNode } from "../../test/harness/test-node.ts";
import { startUpstream } from "../../test/harness/test-upstream.ts";

const PASSWORD = "ein langes Passwort";

let node: TestNode;
before(async () => {
  node = await startTestNode();
});
after(async () => await node[Symbol.asyncDispose]());

const RA2 = { types: [5], bits: 128, password: PASSWORD } as const;
const RA2_256 = { types: [129], bits: 256, password: PASSWORD } as const;
type Machine = Omit<Upstream, "address">;
const pinned = (fingerprint: string): Machine => ({
  password: PASSWORD,
  tls: { mode: "pin", pin: `ra2:${fingerprint}` },
});
const shown = (fingerprint: string) => pinned(fingerprint.slice(0, 16));

const ROWS: readonly (readonly [
  string,
  Ra2ServerOptions,
  (fingerprint: string) => Machine,
  ErrorCode | "open",
])[] = [
  ["RA2, by its key", RA2, pinned, "open"],
  ["RA2-256, by its key", RA2_256, pinned, "open"],
  ["RA2-256, by as much of its key as viewers show", RA2_256, shown, "open"],
  [
    "RA2-256 with an account",
    { ...RA2_256, username: "ute" },
    (of) => ({ ...pinned(of), username: "ute" }),
    "open",
  ],
  ["the stronger of both", { ...RA2_256, types: [2, 5, 129, 130, 6] }, pinned, "open"],
  ["whatever its key", RA2_256, () => ({ password: PASSWORD, tls: { mode: "insecure" } }), "open"],
  ["another key", RA2_256, () => pinned("00".repeat(20)), "upstream_key_changed"],
  ["nothing on record of its key", RA2_256, () => ({ password: PASSWORD }), "upstream_security_unsupported"],
  [
    "another password",
    RA2_256,
    (of) => ({ ...pinned(of), password: "guess" }),
    "upstream_authentication_failed",
  ],
  ["no account on record", { ...RA2, username: "ute" }, pinned, "upstream_username_missing"],
  [
    "an account that is not asked for",
    RA2,
    (of) => ({ ...pinned(of), username: "ute" }),
    "upstream_username_not_asked",
  ],
  ["RA2 taken out of the offer", { ...RA2, types: [2] }, pinned, "upstream_ra2_not_offered"],
  ["RA2 that encrypts the password alone", { ...RA2, types: [6, 130] }, pinned, "upstream_ra2_not_offered"],
  [
    "somebody in between who has heard another key",
    { ...RA2_256, liesOfKeys: true },
    pinned,
    "upstream_key_changed",
  ],
  [
    "a certificate demanded",
    RA2_256,
    () => ({ password: PASSWORD, tls: { mode: "verify", serverName: "a" } }),
    "upstream_tls_not_offered",
  ],
];

for (const [title, options, machine, outcome] of ROWS) {
  test(`a server of RA2 with ${title}: ${outcome}`, async () => {
    await using server = await startRa2Server(options);

    const upstream = { ...server.upstream, ...machine(server.fingerprint) };

    assert.equal(await openThrough(node, upstream), outcome);
    const isTold = outcome === "open" || outcome === "upstream_authentication_failed";
    assert.equal(
      server.heard.length,
      isTold ? 1 : 0,
      "the password is said to whoever is known, and to nobody else",
    );
    assert.ok(!node.log().includes(PASSWORD));
  });
}

const KEY = generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey.export({ format: "jwk" });
const MODULUS = Buffer.from(KEY.n ?? "", "base64url");
const EVEN = Buffer.from(MODULUS.map((byte, at) => (at === 255 ? byte & 0xfe : byte)));
const EXPONENT = Buffer.concat([Buffer.alloc(253), Buffer.of(1, 0, 1)]);
const BITS = Buffer.of(0, 0, 8, 0);

const SAID: Readonly<Record<string, readonly [(socket: Socket) => void, ErrorCode]>> = {
  "says no key": [say(BITS, EVEN, EXPONENT), "upstream_protocol_error"],
  "says a key of nothing": [say(BITS, Buffer.alloc(512)), "upstream_protocol_error"],
  "says a key that is too short": [say(Buffer.of(0, 0, 2, 0)), "upstream_protocol_error"],
  "says a key without end": [say(Buffer.of(255, 255, 255, 255)), "upstream_protocol_error"],
  "encrypts what no key can": [
    say(BITS, MODULUS, EXPONENT, Buffer.of(1, 0), Buffer.alloc(256, 0xff)),
    "upstream_protocol_error",
  ],
  "encrypts for another key": [say(BITS, MODULUS, EXPONENT, Buffer.of(2, 0)), "upstream_protocol_error"],
  "hangs up behind its key": [
    (socket) => void socket.end(Buffer.concat([BITS, MODULUS, EXPONENT])),
    "upstream_closed",
  ],
  "is cut behind its key": [
    (socket) =>
      void socket.write(Buffer.concat([BITS, MODULUS, EXPONENT]), () =>
        setImmediate(() => socket.resetAndDestroy()),
      ),
    "upstream_lost",
  ],
};

for (const [title, [serve, code]] of Object.entries(SAID))
  test(`a server of RA2 that ${title} is told as ${code}, at once`, async () => {
    await using server = await startUpstream(({ socket }) => {
      socket.write("RFB 003.008\n");
      socket.once("data", () => {
        socket.write(Buffer.of(1, 129));
        socket.once("data", () => serve(socket));
      });
    });

    const upstream = { ...server.upstream, password: PASSWORD, tls: { mode: "insecure" } as const };

    assert.equal(await openThrough(node, upstream), code);
  });

test("what breaks while our key is being made is told at once, and not when time is up", async () => {
  await using webSockets = await startServer({ handleProtocols: () => "binary" });
  webSockets.on("connection", (peer) => {
    peer.send(Buffer.from("RFB 003.008\n"));
    peer.once("message", () => {
      peer.send(Buffer.of(1, 129));
      peer.once("message", () => {
        peer.send(Buffer.concat([BITS, MODULUS, EXPONENT]));
        peer.send("text");
      });
    });
  });
  const address = {
    kind: "websocket",
    host: "127.0.0.1",
    port: webSockets.port,
    path: "/",
    isSecure: false,
  } as const;

  const code = await openThrough(node, { address, password: PASSWORD, tls: { mode: "insecure" } });

  assert.equal(code, "upstream_protocol_error");
});

async function startServer(options: ServerOptions) {
  const server = new WebSocketServer({ ...options, host: "127.0.0.1", port: 0 });
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return Object.assign(server, {
    port,
    [Symbol.asyncDispose]: async () => {
      for (const peer of server.clients) peer.terminate();
      server.close();
    },
  });
}

function say(...bytes: readonly Buffer[]) {
  return (socket: Socket) => void socket.write(Buffer.concat(bytes));
}
