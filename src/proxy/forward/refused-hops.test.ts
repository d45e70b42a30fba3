import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect as connectPlain, createServer } from "node:net";
import { after, before, test } from "node:test";
import { connect } from "node:tls";
import { createAuthority, issueNodeCertificate, issueServerCertificate } from "#tls/authority.ts";
import { createCertificateRequest } from "#tls/certificate-request.ts";
import { eventually } from "../../../test/harness/eventually.ts";
import { type FleetNode, startFleet, type TestFleet } from "../../../test/harness/test-fleet.ts";
import { startRfbUpstream } from "../../../test/harness/test-upstream.ts";
import { refusal, TestViewer, webSocketUrl } from "../../../test/harness/test-viewer.ts";

let fleet: TestFleet;
let node: FleetNode;
before(async () => {
  fleet = await startFleet();
  node = await fleet.start();
});
after(async () => await fleet[Symbol.asyncDispose]());

interface Shown {
  readonly certificate?: string;
  readonly privateKey?: string;
}

/** Where a node takes what others hand on to it. */
async function forwardAddress({ id }: FleetNode, of = fleet) {
  const { forward_address: text } = await of.control.store.db
    .selectFrom("nodes")
    .select("forward_address")
    .where("id", "=", id)
    .executeTakeFirstOrThrow();
  const [host = "", port] = (text ?? "").split(":");
  return { host, port: Number(port) };
}

/** Hands on a WebSocket's request as a node does, and resolves to all that is answered. */
async function handOn({ certificate, privateKey }: Shown, ticket: string, to = node): Promise<string> {
  const socket = connect({
    ...(await forwardAddress(to)),
    ca: to.credentials.authority,
    checkServerIdentity: () => undefined,
    ...(certificate === undefined ? {} : { cert: certificate, key: privateKey }),
  });
  socket.on("error", () => {});
  socket.write(
    [
      `GET /websockify?token=${ticket} HTTP/1.1`,
      "Host: node",
      "Connection: Upgrade",
      "Upgrade: websocket",
      "Sec-WebSocket-Version: 13",
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
      "Porthole-Viewer-Address: 192.0.2.5",
      "",
      "",
    ].join("\r\n"),
  );
  let said = "";
  socket.on("data", (chunk) => {
    said += chunk.toString("latin1");
    if (said.includes("\r\n\r\n")) socket.end();
  });
  await new Promise((resolve) => socket.once("close", resolve));
  return said;
}

async function nodeOf(authority: Parameters<typeof issueNodeCertificate>[0], installationId: string) {
  const { request, privateKey } = await createCertificateRequest();
  const identity = { nodeId: "stranger", installationId, request, now: Date.now() };
  return { certificate: await issueNodeCertificate(authority, identity), privateKey };
}

test("a node of the pool is let in, and the viewer's address is believed", async () => {
  await using machine = await startRfbUpstream();
  const peer = await fleet.start();
  const { ticket, sessionId } = await fleet.issue(machine.upstream);

  assert.match(await handOn(peer.credentials, ticket), /^HTTP\/1\.1 101 /);

  const { viewerAddress } = await fleet.control.services.sessions.get(fleet.control.admin, sessionId);
  assert.equal(viewerAddress, "192.0.2.5");
  await peer.stop();
});

const STRANGERS: Readonly<Record<string, () => Promise<Shown>>> = {
  "who shows no certificate": async () => ({}),
  "control itself": async () => {
    const { authority } = fleet.control.installation;
    return await issueServerCertificate(authority, { hosts: ["127.0.0.1"], now: Date.now() });
  },
  "a node of another installation": async () =>
    await nodeOf(await createAuthority({ name: "other", now: Date.now() }), fleet.control.installation.id),
  "a node that our CA made for another installation": async () =>
    await nodeOf(fleet.control.installation.authority, "other"),
  "a node that control does not know": async () =>
    await nodeOf(fleet.control.installation.authority, fleet.control.installation.id),
  "a node of another pool": async () => (await fleet.start({ pool: "north" })).credentials,
  "a node that has left": async () => {
    const gone = await fleet.start();
    await gone.stop();
    return gone.credentials;
  },
};
for (const [who, credentials] of Object.entries(STRANGERS))
  test(`${who} may hand on nothing, and the ticket is not spent`, async () => {
    await using machine = await startRfbUpstream();
    const shown = await credentials();
    const { ticket } = await fleet.issue(machine.upstream);

    assert.equal(await handOn(shown, ticket), "");

    assert.equal(machine.callers.length, 0);
    await using viewer = await TestViewer.bare(node.origin, ticket);
    await viewer.handshake();
  });

test("what was handed on once is not handed on again", async () => {
  await using machine = await startRfbUpstream();
  const second = await fleet.start();
  const third = await fleet.start();
  const { ticket } = await fleet.issue(machine.upstream);

  const answer = await handOn(third.credentials, ticket, second);

  assert.match(answer, /^HTTP\/1\.1 404 /);
  assert.match(answer, /"code":"ticket_foreign"/);
  assert.equal(machine.callers.length, 0);
  await Promise.all([second.stop(), third.stop()]);
});

test("a ticket of a node of another pool is no business of this one", async () => {
  await using own = await startFleet();
  const north = await own.start({ pool: "north" });
  const entrance = await own.start();
  const machine = await own.control.machine({ pool: "north" });
  const options = { machineId: machine.id, api: "native" } as const;
  const { ticket } = await own.control.services.consoles.open(own.control.admin, options);

  const { status, body } = await refusal(`${webSocketUrl(entrance.origin)}/websockify?token=${ticket}`);

  assert.deepEqual([status, JSON.parse(body).error.code], [404, "ticket_foreign"]);
  assert.ok(!north.log().includes("Something was handed on"));
});

/** What may stand at an addressee's address instead of it. */
const AWAY: Readonly<Record<string, (own: TestFleet) => Promise<string>>> = {
  nobody: async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    server.close();
    return `127.0.0.1:${port}`;
  },
  "somebody who says nothing": async () => {
    const server = createServer((socket) => socket.on("error", () => {})).listen(0, "127.0.0.1");
    server.unref();
    await once(server, "listening");
    return `127.0.0.1:${(server.address() as AddressInfo).port}`;
  },
  "another node": async (own) => {
    const { host, port } = await forwardAddress(await own.start({ pool: "north" }), own);
    return `${host}:${port}`;
  },
  control: async ({ link }) => new URL(link).host,
};
for (const [who, addressOf] of Object.entries(AWAY))
  test(`with ${who} where the addressee should be, the viewer is told so, and the ticket is not spent`, async () => {
    await using own = await startFleet();
    await own.control.node({ forwardAddress: await addressOf(own) });
    const entrance = await own.start({ deadlines: { forwardMs: 300 } });
    const { ticket, sessionId } = await own.issue({ address: { kind: "tcp", host: "127.0.0.1", port: 1 } });

    await using viewer = await TestViewer.porthole(entrance.origin, ticket);
    const { status, body } = await refusal(`${webSocketUrl(entrance.origin)}/websockify?token=${ticket}`);
    const picture = await fetch(`${entrance.origin}/ajaximg?token=${ticket}`);

    assert.deepEqual(await viewer.untilClosed(), { code: 4466, reason: "node_away" });
    assert.deepEqual(viewer.texts, [{ type: "ending", ending: { kind: "failed", code: "node_away" } }]);
    assert.deepEqual([status, JSON.parse(body).error.code], [503, "node_away"]);
    assert.equal(picture.status, 503);
    const { state, redeemedAt } = await own.control.services.sessions.get(own.control.admin, sessionId);
    assert.deepEqual([state, redeemedAt], ["pending", undefined]);
  });

test("a node hands on as many connections as it carries consoles, and is full beyond", async () => {
  await using machine = await startRfbUpstream();
  const narrow = await fleet.start({ flags: { "max-sessions": "1" } });
  const first = await fleet.issue(machine.upstream);
  const second = await fleet.issue(machine.upstream);
  const viewer = await TestViewer.bare(narrow.origin, first.ticket);
  await viewer.handshake();

  const { body } = await refusal(`${webSocketUrl(narrow.origin)}/websockify?token=${second.ticket}`);
  assert.equal(JSON.parse(body).error.code, "node_full");
  await viewer[Symbol.asyncDispose]();

  await eventually(async () => {
    await using next = await TestViewer.bare(narrow.origin, second.ticket);
    await next.handshake();
  });
  await narrow.stop();
});

test("however many connect and show no certificate, nodes come through", async () => {
  await using own = await startFleet();
  const addressee = await own.start({ flags: { "max-sessions": "1" } });
  const entrance = await own.start();
  await using machine = await startRfbUpstream();
  const { ticket, sessionId } = await own.issue(machine.upstream);
  await using flood = await connectMany(await forwardAddress(addressee, own), 1_100);

  await using viewer = await TestViewer.porthole(entrance.origin, ticket);
  await viewer.handshake();

  const { nodeId } = await own.control.services.sessions.get(own.control.admin, sessionId);
  assert.equal(nodeId, addressee.id);
  await eventually(() => assert.ok(flood.open() <= 1_024, `${flood.open()} strangers are kept`));
});

test("an entrance that stops cuts what it handed on, and the addressee ends the session", async () => {
  await using machine = await startRfbUpstream();
  const entrance = await fleet.start();
  const { ticket, sessionId } = await fleet.issue(machine.upstream);
  await using viewer = await TestViewer.bare(entrance.origin, ticket);
  await viewer.handshake();

  await entrance.stop();

  await viewer.untilClosed();
  await eventually(async () => {
    const { ending } = await fleet.control.services.sessions.get(fleet.control.admin, sessionId);
    assert.match(ending?.code ?? "", /^viewer_/);
  });
});

/** Connections on which nothing is said. */
async function connectMany({ host, port }: { readonly host: string; readonly port: number }, count: number) {
  const sockets = Array.from({ length: count }, () =>
    connectPlain(port, host)
      .on("error", () => {})
      .resume(),
  );
  await Promise.all(sockets.map(async (socket) => await once(socket, "connect").catch(() => {})));
  return {
    open: () => sockets.filter(({ destroyed }) => !destroyed).length,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
    },
  };
}

test("no ticket is logged, wherever it was handed on", async () => {
  await using machine = await startRfbUpstream();
  const entrance = await fleet.start();
  const { ticket } = await fleet.issue(machine.upstream);
  await using viewer = await TestViewer.bare(entrance.origin, ticket);
  await viewer.handshake();

  for (const { log } of [entrance, node]) assert.ok(!log().includes(ticket.slice(-40)));
});
