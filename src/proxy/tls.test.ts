import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { Agent, get as secureGet } from "node:https";
import { connect as connectPlain, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { connect, type TLSSocket } from "node:tls";
import { issueEntranceCertificate } from "#tls/authority.ts";
import type { CertificateAnswer, ServingCertificate } from "#wire/link-certificate.ts";
import { BINARY_SUBPROTOCOL, SUBPROTOCOL, TICKET_ENTRY_PREFIX } from "#wire/viewer.ts";
import { eventually } from "../../test/harness/eventually.ts";
import { idOf, newServingCertificate } from "../../test/harness/serving-certificate.ts";
import { startTestNode, type TestNode } from "../../test/harness/test-node.ts";
import { startRfbUpstream } from "../../test/harness/test-upstream.ts";
import { refusal, TestViewer, webSocketUrl } from "../../test/harness/test-viewer.ts";

const PAGE = "/p/project-1/console.html";

test("a node serves plain HTTP until it is given a certificate, and then TLS on the same port", async () => {
  await using node = await startTestNode();
  assert.equal((await plain(node, PAGE)).statusCode, 200);

  const certificate = await give(node);

  const { response, shown } = await secure(node, PAGE);
  assert.equal(response.statusCode, 200);
  assert.equal(shown, certificate.id);
  assert.equal(response.headers["strict-transport-security"], "max-age=2592000");
  const policy = String(response.headers["content-security-policy"]);
  assert.ok(policy.includes(`connect-src 'self' wss://127.0.0.1:${portOf(node)};`), policy);
});

test("under a certificate of the installation's own CA no browser is told that it is for good", async () => {
  await using node = await startTestNode();
  const options = { hosts: ["127.0.0.1"], now: Date.now(), lifetimeMs: 3_600_000 };
  const { certificate: chain, privateKey } = await issueEntranceCertificate(node.control.authority, options);
  await take(node, { id: idOf(chain), chain, privateKey });

  const { response } = await secure(node, PAGE);

  assert.equal(response.statusCode, 200);
  assert.equal(response.headers["strict-transport-security"], undefined);
});

test("plain requests are sent on to the same host and path by TLS, and HSTS is said by TLS alone", async () => {
  await using node = await startTestNode();
  await give(node);

  const response = await plain(node, `${PAGE}?port=1`, { host: `console.example.com:${portOf(node)}` });

  assert.equal(response.statusCode, 308);
  assert.equal(response.headers.location, `https://console.example.com:${portOf(node)}${PAGE}?port=1`);
  assert.equal(response.headers["strict-transport-security"], undefined);
  assert.equal(response.headers["cache-control"], "no-store");
});

test("plain requests through a proxy that is trusted are sent on to where it was asked, and under its path", async () => {
  const flags = { "public-path": "/console" };
  const headers = { host: "upstream", "x-forwarded-host": "console.example.com" };
  await using trusting = await startTestNode({ flags: { ...flags, "trusted-proxies": "127.0.0.1" } });
  await using other = await startTestNode({ flags });
  for (const [node, host] of [
    [trusting, "console.example.com"],
    [other, "upstream"],
  ] as const) {
    await give(node);
    for (const path of [PAGE, `/console${PAGE}`]) {
      const { headers: answered } = await plain(node, path, headers);
      assert.equal(answered.location, `https://${host}:${portOf(node)}/console${PAGE}`);
    }
  }
});

test("that a request came by TLS as far as its proxy is believed of one that is trusted, and of nobody else", async () => {
  const headers = { "x-forwarded-proto": "https" };
  await using trusting = await startTestNode({ flags: { "trusted-proxies": "127.0.0.1" } });
  await using other = await startTestNode();
  for (const node of [trusting, other]) await give(node);
  const webSocket = async (node: TestNode) => {
    const { ticket } = await node.control.issue();
    const url = `${webSocketUrl(node.origin)}/websockify?token=${ticket}`;
    return JSON.parse((await refusal(url, { protocols: [BINARY_SUBPROTOCOL], headers })).body).error.code;
  };

  assert.equal((await plain(trusting, PAGE, headers)).statusCode, 200);
  assert.equal((await plain(trusting, PAGE)).statusCode, 308);
  assert.equal((await plain(other, PAGE, headers)).statusCode, 308);
  assert.equal(await webSocket(other), "tls_required");
  await assert.rejects(webSocket(trusting), /was let in/);
});

test("a Host that is none does not become a part of where people are sent", async () => {
  await using node = await startTestNode();
  await give(node);

  for (const host of ["a/b", "a@b", "x y", "a?b"]) {
    const { headers } = await plain(node, "//elsewhere.example/", { host });
    assert.equal(headers.location, `https://127.0.0.1:${portOf(node)}//elsewhere.example/`, host);
  }
});

test("a WebSocket without TLS is refused with the reason, in either way of saying it", async () => {
  await using node = await startTestNode();
  await give(node);
  const { ticket } = await node.control.issue();

  const refused = await refusal(`${webSocketUrl(node.origin)}/websockify?token=${ticket}`, {
    protocols: [BINARY_SUBPROTOCOL],
  });
  await using viewer = await TestViewer.porthole(node.origin, ticket);

  assert.equal(refused.status, 403);
  assert.equal(JSON.parse(refused.body).error.code, "tls_required");
  assert.deepEqual(await viewer.untilClosed(), { code: 4486, reason: "tls_required" });
  assert.deepEqual(node.control.redemptions, []);
});

test("a TLS hello where plain HTTP is served is hung up on without a word", async () => {
  await using node = await startTestNode();
  const socket = connectPlain(portOf(node), "127.0.0.1");
  const said: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => said.push(chunk)).on("error", () => {});
  socket.write(Buffer.from("16030100050100000100", "hex"));

  await once(socket, "close");

  assert.deepEqual(said, []);
});

for (const dialect of [BINARY_SUBPROTOCOL, SUBPROTOCOL] as const)
  test(`a console by TLS passes megabytes both ways (${dialect}), whoever reads slowly`, async () => {
    await using node = await startTestNode();
    const { length } = FLOOD;
    await using machine = await startRfbUpstream(({ socket }) => socket.write(FLOOD));
    await give(node);
    const { ticket, sessionId } = await node.control.issue({ upstream: machine.upstream });
    await using viewer = await open(node, ticket, dialect);
    // Before the handshake: behind it more may come at once than goes without an acknowledgement.
    viewer.webSocket.on("message", () => {
      if (dialect === SUBPROTOCOL) viewer.webSocket.send(JSON.stringify({ type: "ack", bytes: length }));
      viewer.webSocket.pause();
      setImmediate(() => viewer.webSocket.resume());
    });
    await viewer.handshake();

    const events = Buffer.alloc(6 * 100_000, Uint8Array.of(5, 0, 0, 1, 0, 1));
    for (let sent = 0; sent < 5; sent++) viewer.send(events);

    await eventually(() => assert.ok(viewer.bytes.length >= length, `${viewer.bytes.length}`), {
      withinMs: 60_000,
    });
    assert.ok(viewer.bytes.subarray(-length).equals(FLOOD));
    const caller = await machine.caller();
    await eventually(() =>
      assert.ok(caller.said.reduce((sum, chunk) => sum + chunk.length, 0) >= 5 * events.length),
    );
    assert.equal(node.control.endingOf(sessionId), undefined);
  });

test("consoles that are open go on through changes of the certificate, and new connections see the newest", async () => {
  await using node = await startTestNode();
  await using machine = await startRfbUpstream();
  const open1 = await node.control.issue({ upstream: machine.upstream });
  await using before = await TestViewer.bare(node.origin, open1.ticket);
  await before.handshake();
  const viewers = [before];

  for (let change = 0; change < 4; change++) {
    const { id } = await give(node);
    assert.equal((await secure(node, PAGE)).shown, id);
    const { ticket } = await node.control.issue({ upstream: machine.upstream });
    const viewer = await open(node, ticket, BINARY_SUBPROTOCOL);
    await viewer.handshake();
    viewers.push(viewer);
  }
  assert.deepEqual(await take(node, undefined), {});
  assert.equal((await plain(node, PAGE)).statusCode, 200);

  for (const [index, viewer] of viewers.entries()) {
    machine.callers[index]?.socket.write(`still ${index}`);
    await eventually(() => assert.ok(viewer.bytes.toString("latin1").includes(`still ${index}`)));
    assert.equal(viewer.closed, undefined);
  }
  for (const viewer of viewers) await viewer[Symbol.asyncDispose]();
});

test("a certificate that cannot be served changes nothing, and the answer says why", async () => {
  await using node = await startTestNode();
  const served = await give(node);
  const other = await newServingCertificate(node.control.authority);
  const BAD: readonly (readonly [ServingCertificate, RegExp])[] = [
    [{ ...other, privateKey: served.privateKey }, /key values mismatch/],
    [{ ...other, privateKey: "nothing" }, /./],
    [{ ...other, id: served.id.replace(/^./, (digit) => (digit === "0" ? "1" : "0")) }, /not the one/],
    [{ ...other, chain: "nothing" }, /./],
  ];

  for (const [certificate, reason] of BAD) {
    const { serves, problem } = await take(node, certificate);
    assert.equal(serves?.id, served.id);
    assert.match(problem ?? "", reason);
    assert.equal((await secure(node, PAGE)).shown, served.id);
  }
  assert.ok(!node.log().includes(other.privateKey.split("\n")[1] ?? "?"));
});

test("TLS 1.2 and 1.3 are spoken with good ciphers, and HTTP/1.1 is what is agreed on", async () => {
  await using node = await startTestNode();
  await give(node);
  const meet = async (options: object) => {
    const socket = dial(node, { minVersion: "TLSv1", ...options });
    await once(socket, "secureConnect");
    const met = [socket.getProtocol(), socket.getCipher().name, socket.alpnProtocol];
    socket.destroy();
    return met;
  };
  const ALPNProtocols = ["h2", "http/1.1"];

  assert.deepEqual(await meet({ ALPNProtocols }), ["TLSv1.3", "TLS_AES_256_GCM_SHA384", "http/1.1"]);
  const [protocol, cipher] = await meet({ maxVersion: "TLSv1.2" });
  assert.deepEqual([protocol, cipher], ["TLSv1.2", "ECDHE-ECDSA-AES128-GCM-SHA256"]);
  await assert.rejects(meet({ maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" }));
  await assert.rejects(meet({ maxVersion: "TLSv1.2", ciphers: "ECDHE-ECDSA-AES128-SHA256" }));
  await assert.rejects(meet({ ALPNProtocols: ["h2"] }));
});

test("a handshake that is not finished, and a connection by TLS on which nothing is asked, end at their deadlines", async () => {
  await using node = await startTestNode({ deadlines: { tlsHandshakeMs: 50, firstByteMs: 200 } });
  await give(node);

  const half = connectPlain(portOf(node), "127.0.0.1").on("error", () => {});
  half.write(Buffer.from("16030100ff01", "hex"));
  const silent = connectPlain(portOf(node), "127.0.0.1").on("error", () => {});
  const whole = dial(node).on("error", () => {});
  for (const socket of [half, silent, whole]) socket.resume();

  await Promise.all([half, silent, whole].map(async (socket) => await once(socket, "close")));
});

test("handshakes of one address are bounded, and those of another get through", async () => {
  await using node = await startTestNode({ deadlines: { tlsHandshakeMs: 600_000 } });
  await give(node);
  const crowd: Socket[] = [];
  let left = 0;
  for (let count = 0; count < 200; count++) {
    const socket = connectPlain({ port: portOf(node), host: "127.0.0.1", localAddress: "127.0.0.2" });
    socket.on("error", () => {}).on("close", () => left++);
    socket.resume();
    await once(socket, "connect");
    socket.write(Buffer.from("16030100ff01", "hex"));
    crowd.push(socket);
  }

  await eventually(() => assert.equal(left, 72));
  assert.equal((await secure(node, PAGE)).response.statusCode, 200);
  for (const socket of crowd) socket.destroy();
});

test("a node that stops ends whoever has said nothing, or half of a handshake", async () => {
  const node = await startTestNode({ deadlines: { tlsHandshakeMs: 600_000, firstByteMs: 600_000 } });
  try {
    await give(node);
    const silent = connectPlain(portOf(node), "127.0.0.1").on("error", () => {});
    await once(silent, "connect");
    const half = connectPlain(portOf(node), "127.0.0.1").on("error", () => {});
    half.write(Buffer.from("16030100ff01", "hex"));
    const whole = dial(node).on("error", () => {});
    await once(whole, "secureConnect");
  } finally {
    await node[Symbol.asyncDispose]();
  }
});

test("with ports of its own, TLS is found there, and who comes to a plain port is sent to its fellow", async () => {
  await using node = await startTestNode({
    flags: {
      "websocket-listen": "127.0.0.1:0",
      "tls-listen": "127.0.0.1:0",
      "tls-websocket-listen": "127.0.0.1:0",
    },
  });
  await give(node);
  const [registration] = node.control.registrations;
  const { secure: tls, webSocketOrigin = "" } = registration ?? {};

  const page = await plain(node, PAGE);
  const webSocket = await plain({ origin: webSocketOrigin }, PAGE);

  assert.equal(page.headers.location, `${tls?.pageOrigin}${PAGE}`);
  assert.equal(webSocket.headers.location, `${tls?.webSocketOrigin}${PAGE}`);
  assert.equal(new Set([tls?.pageOrigin, tls?.webSocketOrigin, node.origin, webSocketOrigin]).size, 4);
});

/** No two parts of it are alike. */
const FLOOD = randomBytes(8 * 1024 * 1024);

async function take(node: TestNode, certificate: ServingCertificate | undefined): Promise<CertificateAnswer> {
  const incarnation = node.control.registrations.at(-1)?.incarnation;
  const { body, error } = await node.control.command("certificate", {
    incarnation,
    ...(certificate === undefined ? {} : { certificate }),
  });
  assert.equal(error, undefined);
  return body as CertificateAnswer;
}

async function give(node: TestNode): Promise<ServingCertificate> {
  const certificate = await newServingCertificate(node.control.authority);
  const { serves, problem } = await take(node, certificate);
  assert.deepEqual([serves?.id, problem], [certificate.id, undefined]);
  return certificate;
}

function portOf({ origin }: Pick<TestNode, "origin">): number {
  return Number(new URL(origin).port);
}

async function plain(
  node: Pick<TestNode, "origin">,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<IncomingMessage> {
  const request = get({ host: "127.0.0.1", port: portOf(node), path, headers, agent: false });
  const [response] = (await once(request, "response")) as [IncomingMessage];
  await text(response);
  return response;
}

async function secure(node: TestNode, path: string) {
  const ca = node.control.authority.certificate;
  const agent = new Agent({ maxCachedSessions: 0 });
  const request = secureGet({ host: "127.0.0.1", port: portOf(node), path, ca, agent });
  const [response] = (await once(request, "response")) as [IncomingMessage];
  const shown = (response.socket as TLSSocket).getPeerX509Certificate()?.toString() ?? "";
  await text(response);
  agent.destroy();
  return { response, shown: idOf(shown) };
}

function dial(node: TestNode, options: object = {}): TLSSocket {
  const ca = node.control.authority.certificate;
  return connect({ host: "127.0.0.1", port: portOf(node), ca, ...options });
}

async function open(node: TestNode, ticket: string, dialect: string): Promise<TestViewer> {
  const ca = node.control.authority.certificate;
  const origin = `wss://127.0.0.1:${portOf(node)}`;
  return dialect === SUBPROTOCOL
    ? await TestViewer.connect(origin, { protocols: [SUBPROTOCOL, `${TICKET_ENTRY_PREFIX}${ticket}`], ca })
    : await TestViewer.connect(`${origin}/?token=${ticket}`, { protocols: [dialect], ca });
}
