import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer as createHttp, type RequestListener, type Server } from "node:http";
import { createServer as createHttps } from "node:https";
import { type AddressInfo, createServer as createTcp, type Server as TcpServer } from "node:net";
import { test } from "node:test";
import { WebSocketServer } from "ws";
import {
  ExtendedKeyUsage,
  HOUR_MS,
  type TestCertificate,
  testCertificate,
  testChain,
} from "../../../../test/harness/test-certificates.ts";
import { type Probed, probeEntrance } from "./probe-entrance.ts";
import { systemNames } from "./resolve-name.ts";
import type { Trust } from "./seen-certificate.ts";

const SPEECH = {
  pageMark: "our page",
  protocol: "ours.v1",
  endingCode: (text: string) => (text.startsWith("ending ") ? text.slice(7) : undefined),
};

interface Options {
  readonly trust?: Trust;
  readonly stepMs?: number;
  readonly webSocketOrigin?: string;
}

async function probe(pageOrigin: string, options: Options = {}): Promise<readonly Probed[]> {
  const { trust = { roots: [] }, stepMs = 20_000, webSocketOrigin = pageOrigin } = options;
  return await probeEntrance(
    { page: new URL("/p/x/page.html", pageOrigin), webSocket: new URL("/ws", webSocketOrigin) },
    {
      speech: SPEECH,
      resolve: systemNames,
      trust,
      stepMs,
      skewMs: 30_000,
      signal: new AbortController().signal,
    },
  );
}

function found(lines: readonly Probed[]): Record<string, string> {
  return Object.fromEntries(lines.map(({ check, finding }) => [check, finding]));
}

/** Answers the page, and as a node does whoever opens a WebSocket. */
async function listen(server: Server | TcpServer): Promise<{ readonly port: number } & AsyncDisposable> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const sockets = new Set<{ destroy(): void }>();
  server.on("connection", (socket) => sockets.add(socket));
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

const answerPage: RequestListener = (_request, response) => void response.end("<p>our page</p>");

function greeting<Front extends Server>(server: Front, text: string, protocol = "ours.v1"): Front {
  const webSockets = new WebSocketServer({ server, handleProtocols: () => protocol });
  webSockets.on("connection", (webSocket) => webSocket.send(text));
  return server;
}

test("where everything is as it should be, every step says so", async () => {
  const chain = await testChain({ names: ["127.0.0.1"] });
  const cert = [chain.leaf, chain.lower, chain.upper].map(({ pem }) => pem).join("");
  const server = greeting(createHttps({ cert, key: chain.leaf.keyPem }, answerPage), "ending no_ticket");
  await using at = await listen(server);

  const lines = await probe(`https://127.0.0.1:${at.port}`, { trust: { roots: [chain.root.pem] } });

  assert.deepEqual(found(lines), { tls: "ok", page: "ok", clock: "ok", websocket: "ok" });
  const tls = lines.find(({ check }) => check === "tls");
  assert.match(tls?.facts["chain"] ?? "", / ← lower ← upper ← root$/);
  assert.equal(tls?.facts["names"], "127.0.0.1");
});

test("what a client has against a certificate is told apart, and what is behind it is looked at all the same", async () => {
  const now = Date.now();
  const { root, upper, lower, leaf } = await testChain({ names: ["127.0.0.1"] });
  const known: Trust = { roots: [root.pem] };
  const alone = await testCertificate({ names: ["127.0.0.1"] });
  const of = async (options: Parameters<typeof testCertificate>[0]) => {
    const made = await testCertificate({ issuer: lower, names: ["127.0.0.1"], ...options });
    return { cert: [made, lower, upper].map(({ pem }) => pem).join(""), key: made.keyPem };
  };
  const key = leaf.keyPem;
  const whole = [leaf, lower, upper].map(({ pem }) => pem).join("");
  const usages = [ExtendedKeyUsage.clientAuth];
  const cases: Readonly<Record<string, { cert: string; key: string; trust: Trust }>> = {
    tls_unfit: { ...(await of({ usages })), trust: known },
    tls_chain_incomplete: { cert: leaf.pem, key, trust: known },
    tls_unknown_authority: { cert: whole + root.pem, key, trust: { roots: [] } },
    tls_own_authority: { cert: whole, key, trust: { roots: [], authority: root.pem } },
    tls_self_signed: { cert: alone.pem, key: alone.keyPem, trust: known },
    tls_wrong_name: { ...(await of({ names: ["other.example"] })), trust: known },
    tls_expired: { ...(await of({ notAfter: now - HOUR_MS })), trust: known },
    tls_not_yet: { ...(await of({ notBefore: now + HOUR_MS, notAfter: now + 99 * HOUR_MS })), trust: known },
    tls_ends_soon: {
      ...(await of({ notBefore: now - 999 * HOUR_MS, notAfter: now + HOUR_MS })),
      trust: known,
    },
  };

  for (const [finding, { trust, ...shown }] of Object.entries(cases)) {
    await using at = await listen(greeting(createHttps(shown, answerPage), "ending no_ticket"));

    const lines = await probe(`https://127.0.0.1:${at.port}`, { trust });

    assert.deepEqual(found(lines), { tls: finding, page: "ok", clock: "ok", websocket: "ok" }, finding);
  }
});

test("a root that nobody knows is not taken for an intermediate that is missing, though servers send neither", async () => {
  const { root, upper, lower, leaf } = await testChain({ names: ["127.0.0.1"] });
  const tlsOf = async (sent: readonly TestCertificate[], roots: readonly string[]) => {
    const cert = sent.map(({ pem }) => pem).join("");
    await using at = await listen(createHttps({ cert, key: leaf.keyPem }, answerPage));
    const tls = (await probe(`https://127.0.0.1:${at.port}`, { trust: { roots } }))[0];
    return [tls?.finding, tls?.facts["not sent"]];
  };

  assert.deepEqual(await tlsOf([leaf, lower, upper], []), ["tls_unknown_authority", "root"]);
  assert.deepEqual(await tlsOf([leaf, lower, upper, root], []), ["tls_unknown_authority", undefined]);
  assert.deepEqual(await tlsOf([leaf], [root.pem]), ["tls_chain_incomplete", "lower"]);
  // Which of the two it is cannot be seen from a client: the remedy names both.
  assert.deepEqual(await tlsOf([leaf, lower], [root.pem]), ["tls_unknown_authority", "upper"]);
});

test("plain HTTP where TLS should be, a closed port and a name that nobody knows are told as such", async () => {
  await using at = await listen(createHttp(answerPage));
  const { port } = await closed();

  assert.deepEqual(found(await probe(`https://127.0.0.1:${at.port}`)), {
    tls: "tls_none",
    page: "skipped_earlier",
    websocket: "skipped_earlier",
  });
  assert.deepEqual(found(await probe(`http://127.0.0.1:${port}`)), {
    page: "connect_refused",
    websocket: "skipped_earlier",
  });
  const unknown = found(await probe("http://nobody.invalid"));
  assert.equal(unknown["page"], "skipped_earlier");
  assert.match(unknown["name"] ?? "", /^(name_unresolved|resolver_silent)$/);
});

test("who takes a connection and says nothing is given up", async () => {
  await using at = await listen(createTcp());

  const lines = await probe(`http://127.0.0.1:${at.port}`, { stepMs: 1_500 });

  assert.deepEqual(found(lines), {
    tls: "skipped_plain",
    page: "connect_silent",
    websocket: "websocket_silent",
  });
});

test("what answers in place of a node is told by what it answers", async () => {
  const status = (code: number, headers: Record<string, string> = {}) =>
    createHttp((_request, response) => void response.writeHead(code, headers).end("<p>theirs</p>"));
  const cases: readonly [Server, page: string, websocket: string][] = [
    [status(200), "page_other", "websocket_not_passed"],
    [status(301, { location: "https://elsewhere.example/" }), "page_redirected", "websocket_status"],
    [status(404), "page_status", "websocket_not_passed"],
    [status(426), "page_status", "websocket_not_passed"],
    [status(502), "page_gateway", "websocket_gateway"],
    [status(403), "page_status", "websocket_status"],
    [createHttp(answerPage), "ok", "websocket_not_passed"],
    [greeting(createHttp(answerPage), "hello"), "ok", "websocket_other"],
    [greeting(createHttp(answerPage), "ending origin_refused"), "ok", "websocket_origin"],
    [greeting(createHttp(answerPage), "ending tls_required"), "ok", "websocket_tls"],
  ];

  for (const [server, page, websocket] of cases) {
    await using at = await listen(server);

    const seen = found(await probe(`http://127.0.0.1:${at.port}`));

    assert.deepEqual([seen["page"], seen["websocket"]], [page, websocket]);
  }
});

test("a WebSocket at a port of its own is reached by itself, with its own certificate", async () => {
  const chain = await testChain({ names: ["127.0.0.1"] });
  const cert = [chain.leaf, chain.lower, chain.upper].map(({ pem }) => pem).join("");
  await using pages = await listen(createHttps({ cert, key: chain.leaf.keyPem }, answerPage));
  const front = createHttps({ cert: chain.leaf.pem, key: chain.leaf.keyPem });
  await using webSockets = await listen(greeting(front, "ending no_ticket"));
  const webSocketOrigin = `https://127.0.0.1:${webSockets.port}`;

  const lines = await probe(`https://127.0.0.1:${pages.port}`, {
    webSocketOrigin,
    trust: { roots: [chain.root.pem] },
  });

  assert.deepEqual(
    lines.filter(({ check }) => check === "tls").map(({ finding }) => finding),
    ["ok", "tls_chain_incomplete"],
  );
  const last = lines.at(-1);
  assert.deepEqual([last?.finding, last?.subject], ["ok", `wss://127.0.0.1:${webSockets.port}/ws`]);
});

test("whoever wants to know no more is not kept waiting", async () => {
  await using at = await listen(createTcp());
  const stop = new AbortController();
  const origin = new URL(`http://127.0.0.1:${at.port}`);
  const probing = probeEntrance(
    { page: origin, webSocket: origin },
    {
      speech: SPEECH,
      resolve: systemNames,
      trust: { roots: [] },
      stepMs: 600_000,
      skewMs: 30_000,
      signal: stop.signal,
    },
  );

  stop.abort(new Error("enough"));

  await assert.rejects(probing, /enough/);
});

async function closed(): Promise<{ readonly port: number }> {
  const at = await listen(createTcp());
  await at[Symbol.asyncDispose]();
  return at;
}
