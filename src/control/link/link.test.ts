import assert from "node:assert/strict";
import { randomBytes, randomUUID } from "node:crypto";
import { once } from "node:events";
import { test } from "node:test";
import { connect } from "node:tls";
import { aes256Gcm } from "#base/process/aes-256-gcm.ts";
import { createAuthority, issueNodeCertificate, issueServerCertificate } from "#tls/authority.ts";
import { createCertificateRequest } from "#tls/certificate-request.ts";
import { LINK_PATHS, type LinkCall } from "#wire/link.ts";
import { FORGOTTEN } from "#wire/link-refusals.ts";
import { openTicket } from "#wire/ticket.ts";
import type { TestControl } from "../../../test/harness/control.ts";
import { LinkClient, postToLink, refusedChannel } from "../../../test/harness/link-client.ts";
import { nodeClient, openLink } from "../../../test/harness/open-link.ts";

const incarnation = randomUUID();
const ORIGINS = { pageOrigin: "http://n.example", webSocketOrigin: "http://n.example" } as const;

/** A good question of each kind. */
const QUESTIONS: Readonly<Record<LinkCall, object>> = {
  register: { incarnation, version: "1", ...ORIGINS },
  heartbeat: { incarnation, sessions: 0 },
  redeem: { incarnation, sessionId: "s", attachment: 1, viewerAddress: "::1" },
  "redeem-nova": {
    ...{ incarnation, token: randomUUID(), console: "rfb" },
    ...{ viewerAddress: "::1", nonce: randomUUID() },
  },
  reopen: { incarnation, credential: "c", viewerAddress: "::1" },
  report: { incarnation, reports: [] },
  refused: { refusals: [] },
  why: { incarnation, sessionId: "s", attachment: 1, withinMs: 1 },
  power: { incarnation, sessionId: "s", attachment: 1, action: "stop" },
  renew: { incarnation, certificateRequest: "" },
  renewed: { incarnation },
  checked: { incarnation, run: "12345678", lines: [] },
  deregister: { incarnation },
};

test("the channel is for nodes of this installation", async () => {
  await using link = await openLink();
  const strangers = await createStrangers(link.control);

  for (const [who, credentials] of Object.entries(strangers)) {
    const { status, body } = await refusedChannel(link.origin, { ca: link.ca, ...credentials });
    assert.deepEqual([status, body.error.code], [403, "node_refused"], who);
  }
});

test("a node joins, registers, redeems, reports and leaves over the link", async () => {
  await using link = await openLink();
  const { control } = link;
  const { request: certificateRequest, privateKey } = await createCertificateRequest();
  const joined = await postToLink(link, LINK_PATHS.join, {
    joinToken: control.joinToken,
    certificateRequest,
  });
  await using node = await LinkClient.open(link.origin, {
    ca: link.ca,
    cert: joined.body.certificate,
    key: privateKey,
  });

  const registered = await node.ask("register", QUESTIONS.register);
  assert.equal(registered.body.nodeId, joined.body.nodeId);
  const beat = await node.ask("heartbeat", { incarnation, sessions: 1 });
  assert.equal(beat.body.now, control.clock.now());

  const { id: machineId } = await control.machine();
  const { ticket } = await control.services.consoles.open(control.admin, { machineId, api: "native" });
  const { kid, key } = registered.body.ticketKey;
  const claims = await openTicket(ticket, { kid, aead: aes256Gcm(Buffer.from(key, "base64url")) });
  const { sessionId, attachment } = claims;
  const redeem = { incarnation, sessionId, attachment, viewerAddress: "::ffff:198.51.100.7" };
  const granted = await node.ask("redeem", redeem);
  assert.equal(granted.body.machine.id, machineId);
  assert.equal((await node.ask("redeem", redeem)).error.code, "ticket_used");

  const report = { sessionId, attachment, at: control.clock.now(), bytesToViewer: 5, bytesFromViewer: 6 };
  const ending = { kind: "closed", code: "viewer_closed", reference: sessionId };
  const reports = [
    { ...report, state: "active" },
    { ...report, state: "ended", ending },
  ];
  assert.deepEqual((await node.ask("report", { incarnation, reports })).body, {});
  const session = await control.services.sessions.get(control.admin, sessionId);
  assert.deepEqual(session.ending, { kind: "closed", code: "viewer_closed" });
  assert.equal(session.viewerAddress, "198.51.100.7");

  const reopened = await node.ask("reopen", {
    incarnation,
    credential: granted.body.reopen,
    viewerAddress: "198.51.100.7",
  });
  assert.match(reopened.body.url, /^http:\/\/n\.example\/p\//);
  assert.deepEqual((await node.ask("deregister", { incarnation })).body, {});
  assert.equal((await control.services.nodes.list(control.admin))[0]?.agentState, "disconnected");
});

test("a node speaks for itself alone: what its questions say of other nodes does not matter", async () => {
  await using link = await openLink();
  const [one, two] = [await link.control.node(), await link.control.node()];
  await using client = await nodeClient(link, two);

  const { error } = await client.ask("heartbeat", {
    incarnation: one.incarnation,
    nodeId: one.id,
    sessions: 0,
  });

  assert.equal(error.code, "node_superseded");
});

test("a certificate that was replaced is refused on the channel that it has, and on the next", async () => {
  await using link = await openLink();
  const node = await link.control.node();
  await using client = await nodeClient(link, node);
  const beat = async () => await client.ask("heartbeat", { incarnation: node.incarnation, sessions: 0 });
  assert.ok("body" in (await beat()));

  await link.control.store.db.updateTable("nodes").set({ certificate_fingerprint: "another" }).execute();

  await assert.rejects(beat(), /closed with 4403/);
  assert.deepEqual(await client.closed(), { code: 4403, reason: "node_refused" });
  const { certificate: cert, privateKey: key } = node;
  assert.equal(
    (await refusedChannel(link.origin, { ca: link.ca, cert, key })).body.error.code,
    "node_refused",
  );
});

test("a node renews its certificate: both are good until it says that it has come with the new one", async () => {
  await using link = await openLink();
  const node = await link.control.node();
  const { incarnation } = node;
  await using old = await nodeClient(link, node);
  const { request: certificateRequest, privateKey: key } = await createCertificateRequest();

  const { body } = await old.ask("renew", { incarnation, certificateRequest });
  const renewed = { ca: link.ca, cert: body.certificate, key };
  await using next = await LinkClient.open(link.origin, renewed);
  const beat = { incarnation, sessions: 0 };
  for (const client of [old, next]) assert.ok("body" in (await client.ask("heartbeat", beat)));
  assert.deepEqual((await next.ask("renewed", { incarnation })).body, {});

  assert.deepEqual(await old.closed(), { code: 4403, reason: "node_refused" });
  const { certificate: cert } = node;
  const again = { ca: link.ca, cert, key: node.privateKey };
  assert.equal((await refusedChannel(link.origin, again)).body.error.code, "node_refused");
  assert.ok("body" in (await next.ask("heartbeat", beat)));
});

test("a node that died with its new certificate on disk comes back with it, and the old one is good no more", async () => {
  await using link = await openLink();
  const node = await link.control.node();
  const old = await nodeClient(link, node);
  const { request: certificateRequest, privateKey: key } = await createCertificateRequest();
  const { body } = await old.ask("renew", { incarnation: node.incarnation, certificateRequest });
  await old[Symbol.asyncDispose]();

  await using again = await LinkClient.open(link.origin, { ca: link.ca, cert: body.certificate, key });
  assert.ok("body" in (await again.ask("register", QUESTIONS.register)));

  const { certificate: cert } = node;
  const refused = await refusedChannel(link.origin, { ca: link.ca, cert, key: node.privateKey });
  assert.equal(refused.body.error.code, "node_refused");
});

test("a node that lost the answer asks for another certificate, and the lost one is none of its", async () => {
  await using link = await openLink();
  const node = await link.control.node();
  const { incarnation } = node;
  await using client = await nodeClient(link, node);
  const renew = async () => {
    const { request: certificateRequest, privateKey: key } = await createCertificateRequest();
    const { body } = await client.ask("renew", { incarnation, certificateRequest });
    return { ca: link.ca, cert: body.certificate, key };
  };
  const [lost, kept] = [await renew(), await renew()];

  assert.equal((await refusedChannel(link.origin, lost)).body.error.code, "node_refused");
  await using next = await LinkClient.open(link.origin, kept);
  assert.deepEqual((await next.ask("renewed", { incarnation })).body, {});
});

test("a certificate is renewed for a good request of the present start, and asked for once at a time", async () => {
  await using link = await openLink();
  const node = await link.control.node();
  const { incarnation } = node;
  await using client = await nodeClient(link, node);
  const { request: certificateRequest } = await createCertificateRequest();
  const codeOf = async (body: object) => (await client.ask("renew", body)).error?.code;

  assert.equal(await codeOf({ incarnation, certificateRequest: "nonsense" }), "request_invalid");
  assert.equal(await codeOf({ incarnation: randomUUID(), certificateRequest }), "node_superseded");
  const both = await client.askTogether([
    ["renew", { incarnation, certificateRequest }],
    ["renew", { incarnation, certificateRequest }],
  ]);

  assert.deepEqual(
    both.map(({ error }) => error?.code).filter((code) => code !== undefined),
    ["rate_limited"],
  );
});

test("a node that is revoked is cut off at once, is refused from then on, and its consoles are over", async () => {
  await using link = await openLink();
  const { control } = link;
  const [node, other] = [await control.node(), await control.node()];
  const { id: machineId } = await control.machine();
  const { sessionId } = await control.services.consoles.open(control.admin, { machineId, api: "native" });
  const redeem = { incarnation: node.incarnation, sessionId, attachment: 1, viewerAddress: "::1" };
  await control.link.redeem(node.id, redeem);
  await using client = await nodeClient(link, node);
  await using bystander = await nodeClient(link, other);
  const { request: certificateRequest, privateKey: key } = await createCertificateRequest();
  const { body } = await client.ask("renew", { incarnation: node.incarnation, certificateRequest });

  assert.equal((await control.services.nodes.revoke(control.admin, node.id)).state, "revoked");

  assert.deepEqual(await client.closed(), { code: 4403, reason: "node_refused" });
  const { certificate: cert, privateKey } = node;
  for (const shown of [
    { cert, key: privateKey },
    { cert: body.certificate, key },
  ])
    assert.equal(
      (await refusedChannel(link.origin, { ca: link.ca, ...shown })).body.error.code,
      "node_refused",
    );
  const session = await control.services.sessions.get(control.admin, sessionId);
  assert.deepEqual(session.ending, { kind: "failed", code: "node_revoked" });
  const beat = { incarnation: other.incarnation, sessions: 0 };
  assert.ok("body" in (await bystander.ask("heartbeat", beat)));
});

test("a node that was removed is refused, and told that it is forgotten when it comes again", async () => {
  await using link = await openLink();
  const { control } = link;
  const node = await control.node();
  await using client = await nodeClient(link, node);
  await client.ask("deregister", { incarnation: node.incarnation });

  await control.services.nodes.remove(control.admin, node.id);

  assert.deepEqual(await client.closed(), { code: 4403, reason: "node_refused" });
  const { certificate: cert, privateKey: key } = node;
  const again = { ca: link.ca, cert, key };
  const { code, detail } = (await refusedChannel(link.origin, again)).body.error;
  assert.deepEqual([code, detail], ["node_refused", FORGOTTEN]);
});

const BROKEN: readonly [what: string, call: string, body: unknown, code: string][] = [
  ["nothing", "heartbeat", null, "request_invalid"],
  ["a missing field", "heartbeat", { incarnation }, "request_invalid"],
  ["text where a number belongs", "heartbeat", { incarnation, sessions: "0" }, "request_invalid"],
  ["a negative number", "heartbeat", { incarnation, sessions: -1 }, "request_invalid"],
  ["a short incarnation", "heartbeat", { incarnation: "x", sessions: 0 }, "request_invalid"],
  ["more reports than one may have", "report", { incarnation, reports: reports(501) }, "request_invalid"],
  ["a call that there is not", "constructor", {}, "not_found"],
];

for (const [what, call, body, code] of BROKEN) {
  test(`${what} is answered with ${code}, and the channel goes on`, async () => {
    await using link = await openLink();
    const node = await link.control.node();
    await using client = await nodeClient(link, node);

    const { error } = await client.ask(call, body);

    assert.equal(error.code, code);
    assert.ok(!/ at .*\.ts/.test(JSON.stringify(error)), "no stack trace");
    const { incarnation } = node;
    assert.ok("body" in (await client.ask("heartbeat", { incarnation, sessions: 0 })));
  });
}

// To CloudStack, a load that says nothing is a load of nothing.
test("ConsoleProxyManagerTest.validateParseJsonToConsoleProxyStatus…: a load that is none is refused, and the last good one stays", async () => {
  await using link = await openLink();
  const { services, admin } = link.control;
  const node = await link.control.node();
  const { incarnation } = node;
  await using client = await nodeClient(link, node);
  const beat = async (body: unknown) => (await client.ask("heartbeat", body)).error?.code;
  assert.equal(await beat({ incarnation, sessions: 7 }), undefined);

  for (const broken of ["not JSON", null, { incarnation }, { incarnation, sessions: null }])
    assert.equal(await beat(broken), "request_invalid", JSON.stringify(broken));

  assert.deepEqual(
    (await services.nodes.list(admin)).map(({ sessions }) => sessions),
    [7],
  );
});

const GARBAGE: readonly [what: string, say: (client: LinkClient) => void, code: number][] = [
  ["what is not JSON", ({ socket }) => socket.send("{"), 1007],
  ["JSON that is no list", ({ socket }) => socket.send('{"id":1,"call":"heartbeat"}'), 1007],
  ["a question without a number", ({ socket }) => socket.send('[{"call":"heartbeat","body":{}}]'), 1007],
  ["a question without a body", ({ socket }) => socket.send('[{"id":1,"call":"heartbeat"}]'), 1007],
  ["a binary frame", ({ socket }) => socket.send(Buffer.from("[]")), 1007],
  ["more questions than a frame may have", ({ socket }) => socket.send(questions(1025)), 1007],
  ["a frame beyond the limit", ({ socket }) => socket.send("x".repeat(1024 * 1024 + 1)), 1009],
];

for (const [what, say, code] of GARBAGE) {
  test(`${what} ends the channel with ${code}`, async () => {
    await using link = await openLink();
    await using client = await nodeClient(link, await link.control.node());

    say(client);

    assert.equal((await client.closed()).code, code);
  });
}

test("as many reports as a question may have are taken", async () => {
  await using link = await openLink();
  await using client = await nodeClient(link, await link.control.node());

  assert.deepEqual((await client.ask("report", { incarnation, reports: reports(500) })).body, {});
});

test("what is no handshake of a node is refused in the catalogue's words", async () => {
  await using link = await openLink();
  const { certificate: cert, privateKey: key } = await link.control.node();
  const credentials = { ca: link.ca, cert, key };

  const { status, body } = await refusedChannel(link.origin, credentials, LINK_PATHS.channel, "another");

  assert.deepEqual([status, body.error.code], [400, "request_invalid"]);
});

test("a request to join that is malformed, or too large, is answered in the catalogue's words", async () => {
  await using link = await openLink();
  const codeOf = async (body: unknown) => {
    const answer = await postToLink(link, LINK_PATHS.join, body);
    assert.ok(!JSON.stringify(answer.body).includes(".ts:"), "no stack trace");
    return [answer.status, answer.body.error.code];
  };

  assert.deepEqual(await codeOf("{not json"), [400, "request_invalid"]);
  assert.deepEqual(await codeOf(""), [400, "request_invalid"]);
  assert.deepEqual(await codeOf({ joinToken: "x".repeat(100_000) }), [413, "body_too_large"]);
});

test("what is no route is not found", async () => {
  await using link = await openLink();
  const { certificate: cert, privateKey: key } = await link.control.node();

  assert.equal((await postToLink(link, "/link/v1/nothing", {})).body.error.code, "not_found");
  const refused = await refusedChannel(link.origin, { ca: link.ca, cert, key }, "/link/v1/nothing");
  assert.equal(refused.body.error.code, "not_found");
});

test("older TLS than 1.3 is not spoken", async () => {
  await using link = await openLink();
  const { hostname, port } = new URL(link.origin);

  const socket = connect({ host: hostname, port: Number(port), ca: link.ca, maxVersion: "TLSv1.2" });

  await assert.rejects(once(socket, "secureConnect"), /alert protocol version/i);
});

function reports(count: number): object[] {
  const bytes = { bytesToViewer: 0, bytesFromViewer: 0 };
  const report = { sessionId: "s", attachment: 1, at: 1, state: "active", ...bytes };
  return Array.from({ length: count }, () => report);
}

function questions(count: number): string {
  return JSON.stringify(Array.from({ length: count }, (_, id) => ({ id, call: "heartbeat", body: {} })));
}

/** Who is no node of this installation, each in another way. */
async function createStrangers(
  control: TestControl,
): Promise<Readonly<Record<string, { readonly cert?: string; readonly key?: string }>>> {
  const now = control.clock.now();
  const { authority, id: installationId } = control.installation;
  const nodeId = (await control.node()).id;
  const theirs = await createAuthority({ name: "elsewhere", now });
  const { request, privateKey: key } = await createCertificateRequest();
  const node = async (from: typeof authority, options: { installationId: string; nodeId: string }) => ({
    cert: await issueNodeCertificate(from, { ...options, request, now }),
    key,
  });
  const server = await issueServerCertificate(authority, { hosts: ["127.0.0.1"], now });
  return {
    "no certificate": {},
    "a certificate of another CA that names this node": await node(theirs, { installationId, nodeId }),
    "our CA's certificate for another installation": await node(authority, {
      installationId: randomBytes(8).toString("hex"),
      nodeId,
    }),
    "another certificate for a node that exists": await node(authority, { installationId, nodeId }),
    "control's own certificate": { cert: server.certificate, key: server.privateKey },
  };
}
